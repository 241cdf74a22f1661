import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

import { asUser, type Daemon, freePort, startDaemon, until } from './daemon.ts'

const run = promisify(execFile)

/** A PostgreSQL of its own, with the empty database `postgres` and the user `postgres`, who needs no password. */
export interface Postgres {
  readonly port: number
  readonly daemon: Daemon
  close(): Promise<void>
}

/** PostgreSQL refuses to run as root. Debian's package makes this user. */
const user = 'postgres'
/** Debian keeps each version's programs in a directory outside of PATH. */
const versions = '/usr/lib/postgresql'

/**
 * Starts PostgreSQL in about two seconds, on 127.0.0.1, in a temporary directory. It does not wait for the disk, so its data would not
 * survive a crash of the machine.
 */
export async function startPostgres(): Promise<Postgres> {
  const [newest = ''] = (await readdir(versions)).toSorted((one, other) => Number(other) - Number(one))
  const program = (name: string): string => path.join(versions, newest, 'bin', name)
  const port = await freePort()
  const directory = await mkdtemp(path.join(tmpdir(), 'postgres-'))
  const data = path.join(directory, 'data')
  let daemon: Daemon | undefined
  const close = async (): Promise<void> => {
    await daemon?.end('SIGQUIT')
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await chmod(directory, 0o777)
    const options = [
      '--pgdata',
      data,
      '--username',
      user,
      '--auth',
      'trust',
      '--no-sync',
      '--encoding',
      'UTF8',
    ]
    const [command = '', ...args] = [...asUser(user), program('initdb'), ...options]
    await run(command, args)
    const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: directory, fsync: 'off' }
    const started = startDaemon(
      program('postgres'),
      ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      { user },
    )
    daemon = started
    await until('PostgreSQL accepts connections', () =>
      started.output().includes('ready to accept connections'),
    )
    return { port, daemon: started, close }
  } catch (error) {
    await close()
    throw new Error(daemon?.output() ?? 'initdb failed', { cause: error })
  }
}
