import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { type Daemon, startDaemon, until } from './daemon.ts'

/** Azurite, Azure's emulator of its blob service. */
export interface Azurite {
  readonly port: number
  readonly account: string
  readonly accountKey: string
  readonly daemon: Daemon
  /** The connection string for this port, or for the port of a proxy. */
  connectionString(port?: number): string
  close(): Promise<void>
}

/** Starts Azurite on a free port of 127.0.0.1, with its state in a temporary directory. Takes a second or two. */
export async function startAzurite(): Promise<Azurite> {
  // Runs a file of the package, because the package exports no function that starts it.
  const main = path.join(path.dirname(fromStorage.resolve('azurite/package.json')), 'dist/src/blob/main.js')
  const directory = await mkdtemp(path.join(tmpdir(), 'azurite-'))
  const account = 'accountcanary'
  const accountKey = randomBytes(32).toString('base64')
  const args = ['--blobHost', '127.0.0.1', '--blobPort', '0', '--location', directory]
  // The clients use a newer version of the API than Azurite supports.
  const flags = ['--silent', '--disableTelemetry', '--skipApiVersionCheck']
  const daemon = startDaemon(process.execPath, [main, ...args, ...flags], {
    cwd: directory,
    env: { AZURITE_ACCOUNTS: `${account}:${accountKey}` },
  })
  const close = async (): Promise<void> => {
    await daemon.end()
    await rm(directory, { recursive: true, force: true })
  }
  const listening = (): RegExpExecArray | null =>
    /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(daemon.output())
  try {
    await until('the emulator listens', () => listening() !== null)
  } catch (error) {
    await close()
    throw error
  }
  const port = Number(listening()?.[1])
  return {
    port,
    account,
    accountKey,
    daemon,
    connectionString: (at = port) =>
      `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};BlobEndpoint=http://127.0.0.1:${at}/${account};`,
    close,
  }
}

const fromStorage = createRequire(new URL('../../packages/storage/package.json', import.meta.url))
