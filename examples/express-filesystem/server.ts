import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'

import type { ExportEvent, ExportRecord, TokenVerifier } from '@sallyport/core'
import {
  createBearerVerifier,
  createExportHandler,
  createIntrospectionVerifier,
  createJwtVerifier,
  problemDetails,
  validationErrors,
} from '@sallyport/core'
import { exportDownload, malformedPath } from '@sallyport/express-adapter'
import type { ErrorRequestHandler } from 'express'
import express from 'express'

import type { Identity } from './environment.ts'
import { loadEnvironment } from './environment.ts'
import { openLimiter } from './limiter-from-environment.ts'
import { openHome } from './store-from-environment.ts'

const environment = loadEnvironment()
const { host, port, onlyTenant, quota, concurrentPerPrincipal, drainMs, logCauses } = environment

// ── Its end. Until it listens there is nothing to wait for. ──────────────────────────────────────────────────────────

let stop = (): void => process.exit(0)
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => stop())

// ── What it stands on. ───────────────────────────────────────────────────────────────────────────────────────────────

const equipment =
  environment.mode === 'production'
    ? environment
    : await (await import('./development.ts')).startDevelopment(environment)
const home = await openHome(equipment.exports)
const limiter = await openLimiter(environment.redis, environment.processes)

// ── The export endpoint. ─────────────────────────────────────────────────────────────────────────────────────────────

const handler = createExportHandler({
  verifier: createVerifier(equipment.identity),
  tenancy:
    onlyTenant === undefined
      ? {
          mode: 'multi',
          findTenant: async (name) => ((await home.hasOrganization(name)) ? { id: name, name } : undefined),
        }
      : { mode: 'single', tenant: { id: onlyTenant, name: onlyTenant } },
  capability: 'exports:download',
  idParameter: 'job_id',
  versions: {
    v1: { errors: validationErrors(), mediaTypes: { jsonl: 'application/json' } },
    v2: { errors: problemDetails() },
  },
  findExport: ({ exportId, tenant }, signal) => findExport(exportId, tenant.id, signal),
  store: (tenant) => home.storeOf(tenant.id),
  limits: {
    perPrincipal: quota,
    concurrent: { perPrincipal: concurrentPerPrincipal },
    ...(limiter && { limiter }),
  },
  onEvent,
})

/** A JWT is judged by its issuer's keys, any other token by asking its issuer. */
function createVerifier({ issuer, audience, jwks, introspection }: Identity): TokenVerifier {
  const jwt = jwks && createJwtVerifier({ issuer, audience, jwks, type: 'at+jwt' })
  const opaque = introspection && createIntrospectionVerifier({ issuer, audience, ...introspection })
  if (jwt && opaque) return createBearerVerifier({ jwt, opaque })
  const only = jwt ?? opaque
  if (!only) throw new Error('there is nobody to verify tokens')
  return only
}

/** The files are the catalogue: an export is there if a file of its name is. */
async function findExport(
  id: string,
  tenantId: string,
  signal: AbortSignal,
): Promise<ExportRecord | undefined> {
  for (const format of ['jsonl', 'csv', 'json']) {
    const key = `${id}.${format}`
    const object = await home.storeOf(tenantId).head(key, signal)
    if (object) return { id, tenantId, key, format, state: 'ready', object }
  }
  return undefined
}

/** One line of JSON for each event. Causes may name paths, buckets and hosts, so they are asked for or not shown. */
function onEvent(event: ExportEvent): void {
  if (event.type === 'trouble') troubledAt.set(event.port, performance.now())
  const cause = logCauses && 'cause' in event ? { cause: inspect(event.cause) } : {}
  console.log(JSON.stringify({ time: new Date().toISOString(), ...event, ...cause }))
}

// ── Health. ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const troubledAt = new Map<string, number>()
let keysLoaded = !equipment.identity.jwks

/** Told, but not judged: an outage of the store must not take every replica out. */
const stateOf = (...ports: readonly string[]): 'ok' | 'troubled' =>
  ports.some((name) => performance.now() - (troubledAt.get(name) ?? -Infinity) < 60_000) ? 'troubled' : 'ok'

/** A made-up JWT is refused for itself (401) once there are keys to judge it by, and for want of keys (503) before. */
async function loadKeys(): Promise<void> {
  const made = 'Bearer eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.AAAA'
  const header = (name: string): string | undefined => (name === 'authorization' ? made : undefined)
  const { status } = await handler.handle({
    method: 'HEAD',
    params: {},
    header,
    signal: AbortSignal.timeout(10_000),
  })
  keysLoaded = status === 401
}

// ── The service around it. ───────────────────────────────────────────────────────────────────────────────────────────

const app = express()
app.disable('x-powered-by')
app.enable('strict routing')
app.enable('case sensitive routing')

app.get('/healthz', (_request, response) => {
  response.json({ alive: true })
})
app.get('/readyz', async (_request, response) => {
  if (!draining && !keysLoaded) await loadKeys()
  const ready = !draining && keysLoaded
  const checks = {
    keys: keysLoaded ? 'ok' : 'missing',
    store: stateOf('store', 'catalogue', 'tenants'),
    limiter: stateOf('limiter'),
  }
  response.status(ready ? 200 : 503).json({ ready, draining, ...checks })
})
app.all('/api/audit-logs/export/:job_id/download', exportDownload(handler))
app.use('/api/audit-logs/export', malformedPath(handler))

app.use((_request, response) => {
  response.status(404).json({ detail: 'Not Found' })
})
const lastResort: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
  const status = error instanceof URIError ? 400 : 500
  response.status(status).json({ detail: status === 400 ? 'Bad Request' : 'Internal Server Error' })
}
app.use(lastResort)

const server = createServer(
  {
    keepAliveTimeout: 75_000, // longer than the 60 s of a load balancer before us
    headersTimeout: 15_000,
    requestTimeout: 30_000, // to receive a request; it never cuts an answer
    maxHeaderSize: 16_384,
  },
  app,
)

let draining = false
/** New requests get 503, running downloads go on; those that still run after DRAIN_MS are cut. */
async function drain(): Promise<void> {
  if (draining) return
  draining = true
  await handler.drain({ withinMs: drainMs })
  server.close(() => process.exit(0)) // waits for answers that are being written, and closes idle connections
  setTimeout(() => process.exit(0), 1_000)
}
stop = () => void drain()

server.on('error', (error: NodeJS.ErrnoException) => {
  console.error(`HOST, PORT: cannot listen there (${error.code ?? error.name})`)
  process.exit(1)
})
server.listen(port, host, () => {
  const { port: actual } = server.address() as AddressInfo
  const origin = `http://${host.includes(':') ? `[${host}]` : host}:${actual}`
  console.log(`listening on ${origin}`)
  if ('greeting' in equipment) console.log(equipment.greeting(origin))
})
