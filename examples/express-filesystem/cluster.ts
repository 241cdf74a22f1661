import cluster, { type Worker } from 'node:cluster'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { loadEnvironment } from '@sallyport/example-shared/environment'
import { openLog } from '@sallyport/example-shared/log'

// Runs server.ts in a process for each core. They share one port and count in one Redis; one that dies is replaced.

if (!process.env['REDIS_URL']) fail('REDIS_URL: is missing: the processes count together there')
const environment = loadEnvironment()
const { host, workers: size, drainMs, metricsPort } = environment
const log = openLog(environment)

if (metricsPort !== undefined && metricsPort + size - 1 > 65_535)
  fail(`METRICS_PORT: write at most ${65_536 - size}, because ${size} processes take a port each`)

// ── Its end: every process drains as it does alone, and this one goes when they are gone. ────────────────────────────

const workers = new Set<Worker>()
const pauses = new Set<NodeJS.Timeout>()
let draining = false

function drain(): void {
  if (draining) return
  draining = true
  for (const pause of pauses) clearTimeout(pause)
  for (const worker of workers) worker.process.kill('SIGTERM')
  const last = setTimeout(() => workers.forEach((worker) => worker.process.kill('SIGKILL')), drainMs + 5_000)
  last.unref()
}
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, drain)

// ── What they stand on. The development issuer is here, once: the tokens of one process are good for all. ────────────

const equipment =
  environment.mode === 'production'
    ? undefined
    : await (await import('./development.ts')).startDevelopment(environment)
const variables = {
  PROCESSES: process.env['PROCESSES'] || String(size),
  ...(equipment && variablesOf(equipment)),
}

function variablesOf({
  exports,
  catalogue,
  identity,
}: NonNullable<typeof equipment>): Record<string, string> {
  const { issuer, audience, jwks, introspection } = identity
  return {
    DEV_ISSUER: '',
    OIDC_ISSUER: issuer,
    OIDC_AUDIENCE: audience,
    ...(jwks instanceof URL && { JWKS_URI: jwks.href }),
    ...(introspection && {
      ...(introspection.endpoint && { INTROSPECTION_URI: introspection.endpoint.href }),
      INTROSPECTION_CLIENT_ID: introspection.clientId,
      INTROSPECTION_CLIENT_SECRET: introspection.clientSecret,
    }),
    ...(exports.kind === 'directory' && { EXPORTS_DIR: exports.path }),
    ...(catalogue !== undefined && { CATALOGUE: catalogue }),
    // Each would make a random key of its own.
    TICKET_KEYS: (environment.tickets?.keys ?? []).map(({ id, secret }) => `${id}:${secret}`).join(','),
  }
}

// ── The processes. ───────────────────────────────────────────────────────────────────────────────────────────────────

// Each takes connections itself when it has time. Handed round in turn, those on the way to one that dies would hang.
cluster.schedulingPolicy = cluster.SCHED_NONE
cluster.setupPrimary({
  exec: join(import.meta.dirname, 'server.ts'),
  args: [],
  stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
})
const listening: number[] = []
const early: (() => void)[] = []
const freeIndexes = Array.from({ length: size }, (_, index) => index)
let port: number | undefined
let diedYoung = 0
if (!draining) for (let index = 0; index < size; index += 1) fork()

function fork(): void {
  const index = freeIndexes.shift() ?? 0
  const worker = cluster.fork({ ...variables, ...metricsVariable(index) })
  const forkedAt = performance.now()
  const { pid = 0, stdout } = worker.process
  workers.add(worker)
  if (stdout) createInterface(stdout).on('line', passOn)
  worker.on('listening', (address) => {
    port ??= address.port
    if (address.port !== port) fail('PORT: 0 is another one now, for every process had died')
    listening.push(pid)
    if (listening.length === size) greet()
    else if (listening.length > size) tell('worker_started', { pid })
  })
  worker.on('exit', (code, signal) => {
    workers.delete(worker)
    freeIndexes.push(index)
    if (draining) return
    if (port === undefined) return giveUp()
    tell('worker_ended', { pid, code, signal })
    diedYoung = performance.now() - forkedAt < 10_000 ? diedYoung + 1 : 0
    forkAfter(diedYoung === 0 ? 0 : Math.min(30_000, 500 * 2 ** diedYoung))
  })
}

/** Each process has metrics of its own, at the ports from METRICS_PORT on. One that replaces another takes its port. */
function metricsVariable(index: number): Record<string, string> {
  if (metricsPort === undefined) return {}
  return { METRICS_PORT: String(metricsPort === 0 ? 0 : metricsPort + index) }
}

function forkAfter(ms: number): void {
  const pause = setTimeout(() => {
    pauses.delete(pause)
    fork()
  }, ms)
  pauses.add(pause)
}

/** What keeps the first from listening keeps all from it, and it has said what that is. */
function giveUp(): void {
  process.exitCode = 1
  drain()
}

/** First of all lines, when all listen. */
function greet(): void {
  const origin = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  log.print(`listening on ${origin}`)
  if (equipment) log.print(equipment.greeting(origin))
  for (const say of early.splice(0)) say()
  for (const pid of listening) tell('worker_started', { pid })
}

/** Their lines are ours, but for where they listen. */
function passOn(line: string): void {
  if (!line.startsWith('listening on ')) whenGreeted(() => log.print(line))
}

function tell(type: string, about: object): void {
  whenGreeted(() => log.line('info', { type, ...about }))
}

function whenGreeted(say: () => void): void {
  if (listening.length < size) early.push(say)
  else say()
}

function fail(what: string): never {
  console.error(what)
  process.exit(1)
}
