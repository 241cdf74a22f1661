import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { type Daemon, freePort, startDaemon, until } from './daemon.ts'

/** A Redis without persistence. */
export interface Redis {
  readonly port: number
  readonly url: string
  readonly daemon: Daemon
  close(): Promise<void>
}

/**
 * Starts Redis within a tenth of a second, on 127.0.0.1, in a temporary directory, without persistence.
 *
 * @param options - `port`: a free one by default; pass the port of an ended Redis to restart it. `args`: further arguments of
 *   redis-server, such as `['--maxmemory', '2mb']`
 */
export async function startRedis(
  options: { readonly port?: number; readonly args?: readonly string[] } = {},
): Promise<Redis> {
  const port = options.port ?? (await freePort())
  const directory = await mkdtemp(path.join(tmpdir(), 'redis-'))
  const where = ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory, '--daemonize', 'no']
  const forgetful = ['--save', '', '--appendonly', 'no']
  const daemon = startDaemon('redis-server', [...where, ...forgetful, ...(options.args ?? [])])
  const close = async (): Promise<void> => {
    await daemon.end()
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await until('Redis accepts connections', () => daemon.output().includes('eady to accept connections'))
  } catch (error) {
    await close()
    throw new Error(daemon.output(), { cause: error })
  }
  return { port, url: `redis://127.0.0.1:${port}`, daemon, close }
}
