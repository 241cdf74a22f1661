import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

import { rolldown } from 'rolldown'

import type { State } from './service.ts'

/** A server in a process of its own. */
export interface Server {
  readonly port: number
  /** What its service has seen. */
  readonly state: () => Promise<State>
  /** What the process has written to stderr. */
  readonly log: () => string
  readonly stop: () => Promise<void>
}

const require = createRequire(import.meta.url)
/** The path of a file in a package that is a dependency of another one. */
const inside = (owner: string, path: string): string =>
  createRequire(require.resolve(`${owner}/package.json`)).resolve(path)
const file = (name: string): string => join(import.meta.dirname, name)
const arch = process.arch === 'arm64' ? 'arm64' : 'x64'
const condition = '--conditions=@sallyport/source'
const onNode = (name: string) => (): Promise<Server> => start(process.execPath, [condition, file(name)])

/** Starts a server for each runtime. All serve the same service. */
export const starts = {
  '@hono/node-server': onNode('node-hono.ts'),
  srvx: onNode('node-srvx.ts'),
  '@remix-run/node-fetch-server': onNode('node-remix.ts'),
  Bun: () => {
    const bun = inside('bun', `@oven/bun-linux-${arch === 'x64' ? 'x64' : 'aarch64'}/bin/bun`)
    return start(bun, [condition, file('bun.ts')])
  },
  Deno: () => {
    const deno = join(dirname(inside('deno', `@deno/linux-${arch}-glibc/package.json`)), 'deno')
    const options = ['--no-check', '--node-modules-dir=manual', '--allow-all', condition]
    return start(deno, ['run', ...options, file('deno.ts')])
  },
  workerd: startWorkerd,
} as const

/** A worker is one file, and workerd writes its port as JSON to a descriptor. */
async function startWorkerd(): Promise<Server> {
  const workerd = inside(
    'workerd',
    `@cloudflare/workerd-linux-${arch === 'x64' ? '64' : 'arm64'}/bin/workerd`,
  )
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-worker-'))
  const bundle = await rolldown({
    input: file('worker.ts'),
    resolve: { conditionNames: ['@sallyport/source', 'import'], mainFields: ['module', 'main'] },
    external: [/^node:/],
    platform: 'neutral',
    logLevel: 'silent',
  })
  await bundle.write({ file: join(folder, 'worker.js') })
  await writeFile(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "worker.js", esModule = embed "worker.js")],
    compatibilityDate = "2026-11-01",
    compatibilityFlags = ["enable_request_signal"]
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);`,
  )
  const server = await start(workerd, ['serve', join(folder, 'config.capnp'), '--control-fd=3'])
  const stop = async (): Promise<void> => {
    await server.stop()
    await rm(folder, { recursive: true })
  }
  return { ...server, stop }
}

/** Starts a process. The first number in a line of its output is the port. */
async function start(command: string, args: readonly string[]): Promise<Server> {
  const child = spawn(command, args, { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
  const exit = Promise.withResolvers<void>()
  child.once('exit', () => exit.resolve())
  let log = ''
  const [, stdout, stderr, control] = child.stdio
  stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const port = await new Promise<number>((resolve, reject) => {
    for (const output of [stdout, control]) {
      createInterface(output as Readable).on('line', (line) => {
        const [, number] = /(?:^|"port":)(\d+)/.exec(line) ?? []
        if (number !== undefined) resolve(Number(number))
      })
    }
    child.once('exit', () => reject(new Error(`${command} ended: ${log}`)))
  })
  return {
    port,
    state: async () => (await (await fetch(`http://127.0.0.1:${port}/state`)).json()) as State,
    log: () => log,
    stop: async () => {
      child.kill()
      await exit.promise
    },
  }
}
