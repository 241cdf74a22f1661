import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { nginxConfiguration } from '../servers/nginx.ts'
import { nodeCommand, serverCore, startPinned } from './pinned.ts'
import type { Settings } from './settings.ts'

/** A running server. */
export interface RunningServer {
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

const startMs = 30_000

/** Further settings to start a server with. */
export interface StartOptions {
  /** Such as `--cpu-prof`. */
  readonly nodeOptions?: readonly string[]
  /** Additional environment variables. */
  readonly environment?: Readonly<Record<string, string>>
  /** @defaultValue the servers' core */
  readonly core?: number
}

/**
 * Starts a server on its core, and waits until it listens. Rejects if it ends, or prints nothing for 30 s.
 *
 * @param name - its file in `servers/`, or `'nginx'`
 * @param scratch - a folder for what the server writes
 */
export async function startServer(
  name: string,
  settings: Settings,
  scratch: string,
  { nodeOptions = [], environment = {}, core = serverCore }: StartOptions = {},
): Promise<RunningServer> {
  if (name === 'nginx') return startNginx(settings, scratch)
  const file = fileURLToPath(new URL(`../servers/${name}.ts`, import.meta.url))
  const child = startPinned(core, nodeCommand(...nodeOptions, file), {
    NODE_ENV: 'production',
    UV_THREADPOOL_SIZE: '64',
    BENCH_SETTINGS: JSON.stringify(settings),
    ...environment,
  })
  return running(name, child, await announcedPort(name, child))
}

/** Reads the port from its first line. The wait ends if the process ends or is stopped. */
async function announcedPort(name: string, child: ChildProcess): Promise<number> {
  const giveUp = setTimeout(() => child.kill(), startMs)
  try {
    for await (const line of createInterface(child.stdout ?? Readable.from([]))) {
      const [, port] = /^listening on (\d+)$/.exec(line) ?? []
      if (port !== undefined) return Number(port)
    }
    throw new Error(`${name} did not start`)
  } finally {
    clearTimeout(giveUp)
  }
}

async function startNginx({ root, organization }: Settings, scratch: string): Promise<RunningServer> {
  const folder = join(scratch, 'nginx')
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, nginxConfiguration(join(root, organization), port, folder))
  const server = running('nginx', startPinned(serverCore, ['nginx', '-p', folder, '-c', file]), port)
  const patience = AbortSignal.timeout(startMs)
  while (!(await isOpen(port))) await delay(20, undefined, { signal: patience })
  return server
}

/** A server whose process has started. */
export function running(name: string, child: ChildProcess, port: number): RunningServer {
  const { pid } = child
  if (pid === undefined) throw new Error(`${name} did not start`)
  return {
    port,
    pid, // taskset replaces itself by the command
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : NaN
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
