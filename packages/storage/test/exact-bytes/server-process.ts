import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import type { DeliveryOptions, ExportEvent } from '@sallyport/core'
import { onTestFinished } from 'vitest'

import { path } from './guarded.ts'

const script = fileURLToPath(new URL('server.ts', import.meta.url))

/** A service that runs in a process of its own. */
export interface ServerProcess {
  readonly pid: number
  readonly port: number
  /** Of its one export. */
  readonly url: string
  readonly events: readonly ExportEvent[]
  /** Bytes that it holds in JavaScript and beside, after a collection. */
  readonly held: () => Promise<number>
  /** Ends it as a crash would: nothing is finished, nothing said. */
  kill(): Promise<void>
}

export interface ServerTerms {
  /** @defaultValue any free one */
  readonly port?: number
  readonly delivery?: DeliveryOptions
  /** Open files that the process may have. */
  readonly descriptors?: number
}

interface Measured {
  readonly type: 'memory'
  readonly heapUsed: number
  readonly external: number
}

/** Starts it; it ends with the running test at the latest. */
export async function startServer(
  root: string,
  { port = 0, delivery = {}, descriptors = 4_096 }: ServerTerms = {},
): Promise<ServerProcess> {
  const child = spawn(
    'sh',
    [
      '-c',
      `ulimit -n ${descriptors} && exec "$@"`,
      'sh',
      process.execPath,
      '--expose-gc',
      '--conditions=@sallyport/source',
      script,
      root,
      String(port),
      JSON.stringify(delivery),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const gone = once(child, 'exit')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await gone
  }
  onTestFinished(kill)
  const events: ExportEvent[] = []
  const lines = createInterface(child.stdout)
  const [first] = (await Promise.race([once(lines, 'line'), gone.then(() => ['the server ended'])])) as [
    string,
  ]
  if (!/^\d+$/.test(first)) throw new Error(first)
  let measured: ((bytes: number) => void) | undefined
  lines.on('line', (line) => {
    const message = JSON.parse(line) as ExportEvent | Measured
    if (message.type === 'memory') measured?.(message.heapUsed + message.external)
    else events.push(message)
  })
  return {
    pid: child.pid ?? 0,
    port: Number(first),
    url: `http://127.0.0.1:${first}${path}`,
    events,
    held: () =>
      new Promise((resolve) => {
        measured = resolve
        child.kill('SIGUSR2')
      }),
    kill,
  }
}
