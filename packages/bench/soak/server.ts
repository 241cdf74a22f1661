// The process of the soak's server: Express on node:http and the bare handler on node:http2, with one
// store with faults. Commands on stdin: `begin` resets the figures, `rest` waits until the load is over and prints what is held.
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

import { createExportHandler, createJwtVerifier, createMemoryLimiter, serveNode } from '@sallyport/core'
import { createTestIssuer } from '@sallyport/core/testing'
import { exportDownload, malformedPath } from '@sallyport/express-adapter'
import { createFilesystemStore } from '@sallyport/storage/filesystem'
import express from 'express'

import { createBrokenStore } from './broken-store.ts'
import { createCountingLimiter } from './counting-limiter.ts'
import { organization, soakExports } from './exports.ts'
import { watchLoop } from './loop-delay.ts'
import { listenersOf, readUsage } from './readings.ts'

const collect = globalThis.gc
if (!collect) throw new Error('the server of the soak is run with --expose-gc')
const clients = Number(process.argv[2])
const restMs = 30_000
/** How long the timer of a closed session still runs: `node:http2` does not clear it. */
const sessionIdleMs = 10_000
const collections = 6

const complaints: string[] = []
process.on('warning', ({ name, message }) => {
  if (!message.includes('queryObjects')) complaints.push(`warning: ${name}: ${message}`) // caused by this measurement
})
process.on('unhandledRejection', (reason) => complaints.push(`unhandled rejection: ${String(reason)}`))
process.on('uncaughtException', (error) => complaints.push(`uncaught exception: ${error.stack}`))

const root = await mkdtemp(join(tmpdir(), 'sallyport-soak-'))
const records = new Map(
  soakExports.map((entry) => [entry.id, { ...entry, key: `${entry.manner}/${entry.id}` }]),
)
const manners = new Map([...records.values()].map(({ key, manner }) => [key, manner]))
for (const { key, bytes } of records.values()) {
  await mkdir(dirname(join(root, key)), { recursive: true })
  await writeFile(join(root, key), bytes)
}

const issuer = await createTestIssuer()
const tokens: string[] = []
for (let nth = 0; nth < clients; nth += 1)
  tokens.push(await issuer.token({ sub: `user-${nth}`, org: organization }))

const store = createBrokenStore(createFilesystemStore({ root }), (key) => manners.get(key) ?? 'steady')
const limiter = createCountingLimiter(createMemoryLimiter())
const tenant = { id: organization, name: organization }
const outcomes: Record<string, number> = {}
const handler = createExportHandler({
  verifier: createJwtVerifier({
    issuer: issuer.issuer,
    audience: 'exports',
    jwks: issuer.jwks,
    type: 'at+jwt',
  }),
  tenancy: { mode: 'multi', findTenant: async (name) => (name === tenant.name ? tenant : undefined) },
  capability: 'exports:download',
  findExport: async ({ exportId }) => {
    const row = records.get(exportId)
    return row && { id: row.id, tenantId: organization, key: row.key, format: 'jsonl', state: 'ready' }
  },
  store,
  limits: {
    perPrincipal: { capacity: 30, refill: 10, perMs: 1_000 },
    concurrent: { perPrincipal: 8 },
    limiter,
  },
  delivery: {
    firstByteMs: 10_000,
    storeSilenceMs: 1_000,
    resume: { attempts: 3, withinMs: 5_000 },
    slowestClient: { bytes: 65_536, perMs: 5_000 },
    lifetimeMs: 60_000,
  },
  onEvent: (event) => {
    const name = 'outcome' in event ? event.outcome : event.type
    outcomes[name] = (outcomes[name] ?? 0) + 1
  },
})

const app = express()
app.disable('x-powered-by')
app.all('/exports/:exportId/download', exportDownload(handler))
app.use('/exports', malformedPath(handler))
const http1 = createServer(
  { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 },
  (request, response) => void app(request, response),
)

const path = /^\/exports\/([^/]+)\/download$/
const sessions = new Set<ServerHttp2Session>()
const http2 = createHttp2Server({ settings: { maxConcurrentStreams: 100 } }, (request, response) => {
  const [, exportId] = path.exec(request.url) ?? []
  void serveNode(handler, request, response, { params: { exportId } })
})
http2.on('session', (session) => {
  sessions.add(session)
  session.setTimeout(sessionIdleMs, () => session.destroy())
  session.on('close', () => sessions.delete(session))
})

const listening = async (server: Server): Promise<number> => {
  // With the usual backlog of 511 the kernel drops connections of so many clients. A dropped one comes again after a second.
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 })
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}
const connections = (server: Server): Promise<number> =>
  new Promise((resolve) => server.getConnections((_, count) => resolve(count)))

const atWork = async (): Promise<Record<string, number>> => ({
  downloads: handler.downloads().length,
  slots: limiter.held(),
  openObjects: store.openNow(),
  http1Connections: await connections(http1),
  http2Connections: await connections(http2),
  http2Sessions: sessions.size,
})

const say = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`)
say({ http1: await listening(http1), http2: await listening(http2), tokens })

let loop = watchLoop()
for await (const line of createInterface(process.stdin)) {
  if (line === 'begin') {
    loop = watchLoop()
    for (const name of Object.keys(outcomes)) delete outcomes[name]
    continue
  }
  const figures = { delay: loop.read(), outcomes: { ...outcomes } }
  const from = performance.now()
  const resting = async (): Promise<boolean> => Object.values(await atWork()).every((count) => count === 0)
  while (!(await resting()) && performance.now() - from < restMs) await delay(100)
  const restedAfterMs = Math.round(performance.now() - from)
  await delay(sessionIdleMs + 1_000)
  for (let nth = 0; nth < collections; nth += 1) {
    await delay(200)
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  }
  const counts = {
    ...(await atWork()),
    http1Listeners: listenersOf(http1),
    http2Listeners: listenersOf(http2),
  }
  say({ held: readUsage(counts), ...figures, restedAfterMs, complaints })
}
await rm(root, { recursive: true })
process.exit(0)
