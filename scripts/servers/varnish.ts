import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { freePort, startDaemon, until } from './daemon.ts'

/** A Varnish in front of a server, with its built-in VCL. */
export interface Varnish {
  readonly port: number
  close(): Promise<void>
}

/**
 * Starts Varnish on a free port of 127.0.0.1, in a temporary directory. It takes a second or two: it compiles its VCL.
 *
 * @param originPort - the server behind it, on 127.0.0.1
 */
export async function startVarnish(originPort: number): Promise<Varnish> {
  const port = await freePort()
  const directory = await mkdtemp(path.join(tmpdir(), 'varnish-'))
  const where = ['-n', directory, '-a', `127.0.0.1:${port}`, '-b', `127.0.0.1:${originPort}`]
  // Without a jail: the users of Debian's could not write to this directory.
  const daemon = startDaemon('/usr/sbin/varnishd', ['-F', '-j', 'none', '-s', 'malloc,16m', ...where])
  const close = async (): Promise<void> => {
    await daemon.end('SIGTERM')
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await until('Varnish accepts connections', () => accepts(port))
  } catch (error) {
    await close()
    throw new Error(daemon.output(), { cause: error })
  }
  return { port, close }
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
