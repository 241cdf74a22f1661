import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

import { anyResult, type LoadJob, type LoadResult } from './load.ts'
import { parseMessage } from './message.ts'
import { clientCore, nodeCommand, startPinned } from './pinned.ts'

const file = fileURLToPath(new URL('../load.ts', import.meta.url))

/** Runs one round of load in its own process, on its core. Rejects if that fails. */
export async function driveLoad(job: LoadJob): Promise<LoadResult> {
  const child = startPinned(clientCore, nodeCommand(file))
  const { stdin, stdout } = child
  if (!stdin || !stdout) throw new Error('the load generator has no pipes')
  const exited = once(child, 'exit')
  stdin.end(JSON.stringify(job))
  const answer = await text(stdout)
  await exited
  if (child.exitCode !== 0) throw new Error(`the load generator ended with ${child.exitCode}`)
  return parseMessage(answer, anyResult)
}
