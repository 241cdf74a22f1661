import '@sallyport/example-shared/thread-pool'
import { createServer } from 'node:http'

import type { ExportHandlerOptions } from '@sallyport/core'
import { createTickets, problemDetails, validationErrors } from '@sallyport/core'
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
import { exportDownload, exportTicket, malformedPath } from '@sallyport/express-adapter'
import type { ErrorRequestHandler } from 'express'
import express from 'express'

// ── What it stands on. ───────────────────────────────────────────────────────────────────────────────────────────────

const environment = loadEnvironment()
const log = openLog(environment)
const life = startLife(environment, log)
const equipment =
  environment.mode === 'production'
    ? environment
    : await (await import('./development.ts')).startDevelopment(environment)
const storeOf = await openStores(equipment.exports)
const formats = ['jsonl', 'csv', 'json'] as const
const catalogue = await openCatalogue(equipment, storeOf, formats)
const tenancy = await openTenancy(environment, catalogue)
const limiter = await openLimiter(environment)
const health = watchHealth()
const metrics = await openMetrics(environment)

// ── The export endpoint. ─────────────────────────────────────────────────────────────────────────────────────────────

const options: ExportHandlerOptions = {
  verifier: createVerifier(equipment.identity),
  tenancy,
  capability: 'exports:download',
  idParameter: 'job_id',
  versions: {
    v1: { errors: validationErrors(), mediaTypes: { jsonl: 'application/json' } },
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
  info: { title: 'Audit Logs API', version: '0.1.0' },
  path: '/api/audit-logs/export/{job_id}/download',
  operationId: 'download_export_export__job_id__download_get',
  formats: [...formats],
  securityName: 'JWT_or_Access_Token',
  prefix: '', // a document of its own: nothing collides
})

// ── The service around it. ───────────────────────────────────────────────────────────────────────────────────────────

const app = express()
app.disable('x-powered-by')
app.enable('strict routing')
app.enable('case sensitive routing')

app.get('/healthz', (_request, response) => {
  response.json({ alive: true })
})
app.get('/readyz', async (_request, response) => {
  const report = await health.report(handler, life.draining)
  response.status(report.ready ? 200 : 503).json(report)
})
app.get('/openapi.json', (_request, response) => {
  response.json(document)
})
app.all('/api/audit-logs/export/:job_id/download', exportDownload(handler))
if (handler.issuesTickets) app.all('/api/audit-logs/export/:job_id/ticket', exportTicket(handler))
app.use('/api/audit-logs/export', malformedPath(handler))

if ('page' in equipment) {
  const { html, headers } = equipment.page
  app.get('/', (_request, response) => void response.set(headers).send(html))
}

app.use((_request, response) => {
  response.status(404).json({ detail: 'Not Found' })
})
const lastResort: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
  const status = error instanceof URIError ? 400 : 500
  response.status(status).json({ detail: status === 400 ? 'Bad Request' : 'Internal Server Error' })
}
app.use(lastResort)

const settings = {
  keepAliveTimeout: 75_000, // longer than the 60 s of a load balancer before us
  headersTimeout: 15_000,
  requestTimeout: 30_000, // to receive a request; it never cuts an answer
  maxHeaderSize: 16_384,
}
// A property of the server, not an option: a client may close its sending side behind its request.
const halfOpen = { httpAllowHalfOpen: true }
const server = createServer(settings, app)
Object.assign(server, halfOpen)
life.listen(server, handler, {
  greeting: 'greeting' in equipment ? equipment.greeting : undefined,
  metricsUrl: metrics.url,
})
