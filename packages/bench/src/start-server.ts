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
import type { ServerName } from './servers.ts'
import type { Settings } from './settings.ts'

/** A server that answers. */
export interface RunningServer {
  readonly name: ServerName
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

const startMs = 10_000

/**
 * Starts a server on its core, and waits until it can be asked. Rejects where it ends or is silent for 10 s.
 *
 * @param scratch - a folder for what the server writes
 * @param nodeOptions - such as `--cpu-prof`
 */
export async function startServer(
  name: ServerName,
  settings: Settings,
  scratch: string,
  nodeOptions: readonly string[] = [],
): Promise<RunningServer> {
  if (name === 'nginx') return startNginx(settings, scratch)
  const file = fileURLToPath(new URL(`../servers/${name}.ts`, import.meta.url))
  const child = startPinned(serverCore, nodeCommand(...nodeOptions, file), {
    NODE_ENV: 'production',
    BENCH_SETTINGS: JSON.stringify(settings),
  })
  return running(name, child, await announcedPort(name, child))
}

/** The port in its first line. Its end, or its being stopped in time, ends the wait. */
async function announcedPort(name: ServerName, child: ChildProcess): Promise<number> {
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

function running(name: ServerName, child: ChildProcess, port: number): RunningServer {
  const { pid } = child
  if (pid === undefined) throw new Error(`${name} did not start`)
  return {
    name,
    port,
    pid, // taskset becomes the command it starts
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
