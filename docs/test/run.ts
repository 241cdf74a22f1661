import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { root } from './blocks.ts'

/** A module that runs in a Node of its own. */
export interface Running {
  /** Its first line on stdout. */
  readonly line: string
  /** All lines so far. */
  readonly lines: readonly string[]
  /** Sends SIGTERM. Resolves with the exit status; `null`: the signal ended it. */
  readonly end: () => Promise<number | null>
}

/** Runs a module's text as if it lay beside the documents. Resolves with its first line. */
export async function runModule(code: string): Promise<Running> {
  const args = ['--conditions=@sallyport/source', '--input-type=module-typescript', '-']
  const child = spawn(process.execPath, args, {
    cwd: join(root, 'docs'),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit') as Promise<[number | null]>
  const lines: string[] = []
  const reader = createInterface(child.stdout)
  reader.on('line', (line) => lines.push(line))
  child.stdin.end(code)
  await Promise.race([
    once(reader, 'line'),
    exit.then(() => Promise.reject(new Error('the module ended without a line'))),
  ])
  return {
    line: lines[0] ?? '',
    lines,
    end: async () => {
      child.kill()
      const [status] = await exit
      return status
    },
  }
}
