// Runs many bad clients for a long time, and checks that the server then holds no more than before: `pnpm soak`, or shorter with
// `pnpm soak --seconds 60`. The load, the server and this check are three processes.
import { spawn } from 'node:child_process'
import { get } from 'node:http'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { organization, pathOf, soakExports } from './soak/exports.ts'
import { judge, type Probe } from './soak/judge.ts'
import { watchLoop } from './soak/loop-delay.ts'
import { anyUsage } from './soak/readings.ts'
import { whole, withoutDashes } from './src/arguments.ts'
import { parseMessage } from './src/message.ts'

const { values } = parseArgs({
  args: [...withoutDashes(process.argv.slice(2))],
  options: {
    seconds: { type: 'string', default: '600' },
    clients: { type: 'string', default: '1000' },
  },
})
const seconds = whole('seconds', values.seconds)
const clients = whole('clients', values.clients)
const warmUpSeconds = Math.max(20, Math.round(seconds / 6))
const probeMs = 250
const probeTimeoutMs = 15_000
const node = [
  '--conditions=@sallyport/source',
  '--max-semi-space-size=16',
  '--disable-warning=ExperimentalWarning',
]
const fileOf = (name: string): string => fileURLToPath(new URL(`soak/${name}.ts`, import.meta.url))

const server = spawn(process.execPath, [...node, '--expose-gc', fileOf('server'), String(clients)], {
  stdio: ['pipe', 'pipe', 'pipe'],
  env: {
    ...process.env,
    NODE_ENV: 'production',
    UV_THREADPOOL_SIZE: '64', // as operations.md advises
    // The allocator returns freed memory to the system, so that resident memory shows leaks.
    MALLOC_ARENA_MAX: '2',
    MALLOC_TRIM_THRESHOLD_: '131072',
  },
})
const written: string[] = []
server.stderr.setEncoding('utf8').on('data', (said: string) => written.push(said.trim()))
const lines = createInterface(server.stdout)[Symbol.asyncIterator]()

async function hear<T extends object>(example: T): Promise<T> {
  const { value, done } = await lines.next()
  if (done === true)
    throw new Error(
      `the server of the soak has ended (${server.signalCode ?? server.exitCode})\n${written.join('\n')}`,
    )
  return parseMessage(value, example)
}

const anyTally: { readonly tally: Readonly<Record<string, number>> } = { tally: {} }

async function load(forSeconds: number): Promise<Readonly<Record<string, number>>> {
  const child = spawn(process.execPath, [...node, fileOf('load')], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(JSON.stringify({ http1, http2, tokens: tokens.slice(1), seconds: forSeconds }))
  const { tally } = parseMessage(await text(child.stdout), anyTally)
  return tally
}

/** Requests an export as an honest client, on its own connection. */
function probe(path: string, token: string): Promise<Probe> {
  const from = performance.now()
  return new Promise((resolve) => {
    const end = (result: string): void => resolve({ ms: performance.now() - from, result })
    const headers = { authorization: `Bearer ${token}`, 'x-org-name': organization, connection: 'close' }
    const timeout = probeTimeoutMs
    const request = get({ host: '127.0.0.1', port: http1, path, headers, timeout }, (answer) => {
      answer.resume().on('error', (error) => end(error.message))
      answer.on('end', () => end(`status ${answer.statusCode}`))
    })
    request.on('timeout', () => request.destroy(new Error(`silent for ${timeout} ms`)))
    request.on('error', (error) => end(error.message))
  })
}

async function probeUntil(ended: AbortSignal): Promise<readonly Probe[]> {
  const [, small = soakExports[0]] = soakExports
  const asked: Promise<Probe>[] = []
  while (!ended.aborted) {
    asked.push(probe(small ? pathOf(small) : '/', tokens[0] ?? ''))
    await delay(probeMs)
  }
  return Promise.all(asked)
}

const anyCounts: Readonly<Record<string, number>> = {}
const anyReport = {
  held: anyUsage,
  delay: { p99Ms: 0, ownP99Ms: 0, mostMs: 0, busy: 0 },
  restedAfterMs: 0,
  outcomes: anyCounts,
  complaints: [''],
}
const ask = (): Promise<typeof anyReport> => {
  server.stdin.write('rest\n')
  return hear(anyReport)
}

const { http1, http2, tokens } = await hear({ http1: 0, http2: 0, tokens: [''] })
try {
  console.log(`${clients} clients; ${warmUpSeconds} s to warm up, ${seconds} s of load`)
  await load(warmUpSeconds)
  const { held: base } = await ask()
  server.stdin.write('begin\n')
  const idleLoop = watchLoop()
  const ending = new AbortController()
  const probing = probeUntil(ending.signal)
  const tally = await load(seconds)
  ending.abort()
  const probes = await probing
  const idleP99Ms = idleLoop.read().p99Ms
  const { held: after, delay: loop, outcomes, complaints, restedAfterMs } = await ask()

  for (const what of Object.keys(tally).toSorted((one, other) => one.localeCompare(other)))
    console.log(`${String(tally[what]).padStart(8)}  ${what}`)
  console.log('the handler:', JSON.stringify(outcomes))
  console.log(`at rest after ${restedAfterMs} ms; heap ${base.heap} → ${after.heap} bytes`)
  const checks = judge({
    base,
    after,
    loop,
    idleP99Ms,
    complaints: [...complaints, ...written],
    tally,
    probes,
  })
  for (const { name, ok, got } of checks) console.log(`${ok ? 'ok    ' : 'FAILED'}  ${name}: ${got}`)
  const failed = checks.filter(({ ok }) => !ok).length
  console.log(`soak: ${checks.length - failed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
} finally {
  server.stdin.end()
}
