import '@sallyport/example-shared/thread-pool'
import { createServer } from 'node:http'

import { Router } from '@koa/router'
import type { ExportHandlerOptions } from '@sallyport/core'
import { codedErrors, createTickets, problemDetails } from '@sallyport/core'
import { describeDocument } from '@sallyport/core/openapi'
import { openCatalogue, openTenancy } from '@sallyport/example-shared/catalogue'
import { loadEnvironment } from '@sallyport/example-shared/environment'
import { watchHealth } from '@sallyport/example-shared/health'
import { startLife } from '@sallyport/example-shared/life'
import { openLimiter } from '@sallyport/example-shared/limiter'
import { openLog } from '@sallyport/example-shared/log'
import { openMetrics } from '@sallyport/example-shared/metrics'
import { openStores } from '@sallyport/example-shared/stores'
import { createVerifier } from '@sallyport/example-shared/verifier'
import { exportDownload, exportTicket } from '@sallyport/koa-adapter'
import Koa from 'koa'

// ── What it stands on. ───────────────────────────────────────────────────────────────────────────────────────────────

const environment = loadEnvironment()
const log = openLog(environment)
const life = startLife(environment, log)
const equipment =
  environment.mode === 'production'
    ? environment
    : await (await import('./development.ts')).startDevelopment(environment)
const storeOf = await openStores(equipment.exports)
const formats = ['csv', 'json', 'jsonl'] as const
const catalogue = await openCatalogue(equipment, storeOf, formats)
const tenancy = await openTenancy(environment, catalogue)
const limiter = await openLimiter(environment)
const health = watchHealth()
const metrics = await openMetrics(environment)

// ── The export endpoint. ─────────────────────────────────────────────────────────────────────────────────────────────

const options: ExportHandlerOptions = {
  verifier: createVerifier(equipment.identity),
  tenancy,
  capability: 'audit.read',
  idParameter: 'export_id',
  versions: {
    v1: { errors: codedErrors() },
    v2: { errors: problemDetails() },
  },
  // The ids of its records come from the rows, so that a query that lost its WHERE is a 404 and not a leak.
  findExport: (query, signal) => catalogue.findExport(query, signal),
  store: storeOf,
  ...(environment.tickets && { tickets: createTickets(environment.tickets) }),
  limits: {
    perPrincipal: environment.quota,
    bytes: environment.bytes,
    concurrent: environment.concurrent,
    ...(limiter && { limiter }),
  },
  onEvent(event) {
    health.note(event)
    log.event(event)
  },
}
// That of @sallyport/core; with METRICS_PORT, the observed one of @sallyport/telemetry.
const handler = metrics.createExportHandler(options)
const document = describeDocument(options, {
  info: { title: 'User action audit exports', version: '1.0.0' },
  path: '/user-action-audit-exports/{export_id}/download',
  formats: [...formats],
  prefix: '', // a document of its own: nothing collides
})

// ── The service around it. ───────────────────────────────────────────────────────────────────────────────────────────

const router = new Router({ strict: true, sensitive: true })
router.get('/healthz', (ctx) => {
  ctx.body = { alive: true }
})
router.get('/readyz', async (ctx) => {
  const report = await health.report(handler, life.draining)
  ctx.status = report.ready ? 200 : 503
  ctx.body = report
})
router.get('/openapi.json', (ctx) => {
  ctx.body = document
})
// For every method, and for paths that cannot be decoded too: the handler answers them all.
router.all('/user-action-audit-exports/:export_id/download', exportDownload(handler))
if (handler.issuesTickets) router.all('/user-action-audit-exports/:export_id/ticket', exportTicket(handler))
if ('page' in equipment) {
  const { html, headers } = equipment.page
  router.get('/', (ctx) => {
    ctx.set(headers)
    ctx.body = html
  })
}

const app = new Koa()
app.use(router.routes())
app.use((ctx) => {
  ctx.status = 404
  ctx.body = { code: 'not_found', message: 'There is nothing here.' }
})
// The handler reports a client that resets its connection, as the end of a download.
app.on('error', ({ name, headerSent }: Error & { headerSent?: boolean }) => {
  if (headerSent !== true) log.line('error', { type: 'koa_error', name })
})

const settings = {
  keepAliveTimeout: 75_000, // longer than the 60 s of a load balancer before us
  headersTimeout: 15_000,
  requestTimeout: 30_000, // to receive a request; it never cuts an answer
  maxHeaderSize: 16_384,
}
// A property of the server, not an option: a client may close its sending side behind its request.
const halfOpen = { httpAllowHalfOpen: true }
const answer = app.callback()
const server = createServer(settings, (request, response) => void answer(request, response))
Object.assign(server, halfOpen)
life.listen(server, handler, {
  greeting: 'greeting' in equipment ? equipment.greeting : undefined,
  metricsUrl: metrics.url,
})
