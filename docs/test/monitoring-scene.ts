import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import { createJwtVerifier } from '@sallyport/core'
import { createMemoryStore } from '@sallyport/core/testing'

import { start } from '../../examples/shared/check-service.ts'
import { openMetrics } from '../../examples/shared/metrics.ts'
import { tables } from '../../examples/shared/seed-catalogue.ts'
import { root } from './blocks.ts'

/** The services that Prometheus scrapes in the test of docs/monitoring. */
export interface Scene {
  /** The `/metrics` of both services. */
  readonly metricsUrls: readonly string[]
  /** What must not be in any of them. */
  readonly secrets: readonly string[]
  /** Sends one request of each kind, and resolves when all are answered. */
  readonly load: () => Promise<void>
  readonly close: () => Promise<void>
}

/** What the bucket does with an object, and the export of it. */
const ids = {
  whole: '00000000-0000-4000-8000-000000000001',
  healed: '00000000-0000-4000-8000-000000000002',
  changed: '00000000-0000-4000-8000-000000000003',
  denied: '00000000-0000-4000-8000-000000000004',
  missing: '00000000-0000-4000-8000-000000000005',
}
const size = 400_000
const body = Buffer.alloc(size, 'x')

/**
 * Starts the example with S3, before a bucket that cuts, changes and denies, and a catalogue that confuses the case of names. Its
 * Redis is away. A second service has a bug in its error format, and an issuer without keys: the example has neither.
 */
export async function startScene(): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-monitoring-'))
  const bucket = createServer(serveObject).listen(0, '127.0.0.1')
  await once(bucket, 'listening')
  const catalogue = join(folder, 'catalogue.db')
  makeCatalogue(catalogue)
  const variables = {
    S3_BUCKET: 'exports',
    S3_ENDPOINT: `http://127.0.0.1:${portOf(bucket.address())}`,
    AWS_ACCESS_KEY_ID: 'someone',
    AWS_SECRET_ACCESS_KEY: 'secret',
    CATALOGUE: catalogue,
    DEV_ISSUER: '1',
    DRAIN_MS: '0',
    LOG_LEVEL: 'silent',
    METRICS_PORT: '0',
    RATE_CAPACITY: '100',
    RATE_PER_SECOND: '20',
    REDIS_URL: 'redis://127.0.0.1:1',
  }
  const example = await start(variables, join(root, 'examples/koa-s3/server.ts'), 'metrics on ')
  const faulty = await startFaulty()
  const ask = async (id: string, headers: Record<string, string>): Promise<void> => {
    const url = `${example.origin}/user-action-audit-exports/${id}/download`
    // A cut is an error of fetch. What became of it is in the metrics.
    await fetch(url, { headers })
      .then((response) => response.arrayBuffer())
      .catch(() => undefined)
  }
  const headers = { authorization: `Bearer ${example.jwt}`, 'x-org-name': 'acme' }
  return {
    metricsUrls: [
      example.lines.find((line) => line.startsWith('metrics on '))?.slice('metrics on '.length) ?? '',
      faulty.metricsUrl,
    ],
    secrets: ['acme', 'globex', 'developer', 'exports/', example.jwt, ...Object.values(ids)],
    load: async () => {
      const asked = Object.values(ids).map((id) => ask(id, headers))
      const others = [
        ask(ids.whole, {}),
        ask(ids.whole, { ...headers, 'x-org-name': 'globex' }),
        faulty.ask(),
      ]
      await Promise.all([...asked, ...others])
    },
    close: async () => {
      await example.end()
      bucket.closeAllConnections()
      bucket.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Sends half of an object and resets the connection. What is asked for after that is a range. */
function serveObject({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
  const [, name = ''] = /\/acme\/(\w+)\.csv/.exec(url) ?? []
  const etag = { ETag: '"1"' }
  if (name === 'denied') return void response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>')
  if (name === 'missing') return void response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>')
  const from = Number(/bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0)
  if (from > 0) {
    if (name === 'changed')
      return void response.writeHead(412).end('<Error><Code>PreconditionFailed</Code></Error>')
    const range = { 'Content-Range': `bytes ${from}-${size - 1}/${size}`, 'Content-Length': size - from }
    return void response.writeHead(206, { ...etag, ...range }).end(body.subarray(from))
  }
  response.writeHead(200, { ...etag, 'Content-Length': size })
  if (name === 'whole') return void response.end(body)
  response.write(body.subarray(0, size / 2), () => response.socket?.resetAndDestroy())
  return undefined
}

/** Its names are compared without regard to case: the organization `globex` finds the row `Globex`. */
function makeCatalogue(path: string): void {
  const database = new DatabaseSync(path)
  database.exec(tables)
  database.exec('DROP TABLE organizations')
  database.exec('CREATE TABLE organizations (id TEXT PRIMARY KEY, name TEXT COLLATE NOCASE)')
  database.exec("INSERT INTO organizations VALUES ('acme', 'acme'), ('globex', 'Globex')")
  const insert = database.prepare(
    "INSERT INTO exports VALUES (?, 'acme', ?, 'csv', 'ready', NULL, NULL, NULL, NULL, NULL)",
  )
  for (const [name, id] of Object.entries(ids)) insert.run(id, `${name}.csv`)
  database.close()
}

async function startFaulty(): Promise<{ readonly metricsUrl: string; readonly ask: () => Promise<void> }> {
  const keys = createServer((_, response) => void response.end('{"keys":[]}'))
    .listen(0, '127.0.0.1')
    .unref()
  await once(keys, 'listening')
  const metrics = await openMetrics({ host: '127.0.0.1', metricsPort: 0 })
  const handler = metrics.createExportHandler({
    verifier: createJwtVerifier({
      issuer: 'https://issuer.test',
      audience: 'exports',
      type: 'at+jwt',
      jwks: new URL(`http://127.0.0.1:${portOf(keys.address())}`),
    }),
    tenancy: { mode: 'single', tenant: { id: '17', name: 'acme' } },
    capability: 'exports:download',
    versions: {
      v1: {
        errors: () => {
          throw new Error('a bug in an error format')
        },
      },
    },
    findExport: async () => undefined,
    store: createMemoryStore(),
  })
  return {
    metricsUrl: metrics.url ?? '',
    ask: async () => {
      await handler.handle({
        method: 'GET',
        params: { exportId: ids.whole },
        header: (name) => (name === 'authorization' ? `Bearer ${forged}` : undefined),
        signal: new AbortController().signal,
      })
    },
  }
}

/** A JWT of a key that nobody has. */
const forged = [
  { alg: 'RS256', typ: 'at+jwt', kid: 'unknown' },
  { iss: 'https://issuer.test', aud: 'exports', sub: 'eve' },
  'x',
]
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .join('.')

const portOf = (address: ReturnType<ReturnType<typeof createServer>['address']>): number =>
  typeof address === 'object' && address !== null ? address.port : 0
