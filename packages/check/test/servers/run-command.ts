import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'

import { run } from '../../src/cli.ts'

/** What a run of the command printed, and its exit status. */
export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command in this process, without a terminal. */
export async function runCommand(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const texts = Promise.all([text(stdout), text(stderr)])
  const status = await run(args, { env, stdout, stderr })
  stdout.end()
  stderr.end()
  const [out, err] = await texts
  return { status, stdout: out, stderr: err }
}
