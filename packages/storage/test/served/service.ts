import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'

import {
  createExportHandler,
  type DeliveryOptions,
  type ExportEvent,
  type ExportRecord,
  type ExportStore,
  serveNode,
} from '@sallyport/core'

const EXPORT_ID = '0f8fad5b-d9cb-469f-a165-70867728950e'

/** The guard over real sockets, in front of a store. */
export interface Service {
  readonly events: readonly ExportEvent[]
  readonly url: string
  /** What a client got: the bytes' hash, and whether they are all there. */
  download(headers?: Record<string, string>): Promise<Download>
  open(headers?: Record<string, string>, method?: string): Promise<IncomingMessage>
  close(): Promise<void>
}

interface Download {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly size: number
  readonly sha256: string
  /** `false`: the connection was cut. */
  readonly complete: boolean
}

/** What the catalogue says, and how patient the delivery is. */
export interface Catalogued {
  readonly key: string
  readonly filename?: string
  readonly object?: NonNullable<ExportRecord['object']>
  readonly delivery?: DeliveryOptions
}

/** Starts it on a free port of 127.0.0.1. Whoever asks is let in: this is about bytes. */
export async function startService(
  store: ExportStore,
  { key, filename, object, delivery }: Catalogued,
): Promise<Service> {
  const events: ExportEvent[] = []
  const tenant = { id: 't1', name: 'acme' }
  const handler = createExportHandler({
    verifier: {
      verify: async () => ({
        issuer: 'https://issuer.example',
        subject: 'someone',
        organizations: ['acme'],
        capabilities: ['download'],
        claims: {},
      }),
    },
    tenancy: { mode: 'single', tenant },
    capability: 'download',
    findExport: async ({ exportId }) => ({
      id: String(exportId),
      tenantId: tenant.id,
      key,
      format: 'jsonl',
      state: 'ready',
      ...(filename !== undefined && { filename }),
      ...(object && { object }),
    }),
    store,
    ...(delivery && { delivery }),
    limits: {
      perPrincipal: { capacity: 1000, refill: 1000, perMs: 1000 },
      concurrent: { perPrincipal: 1000 },
    },
    onEvent: (event) => void events.push(event),
  })
  const server = createServer((incoming, response) => {
    // A browser that opens a link sends no token.
    if (incoming.headers.authorization === undefined) {
      incoming.headers.authorization = 'Bearer token'
      incoming.rawHeaders.push('Authorization', 'Bearer token')
    }
    void serveNode(handler, incoming, response, { params: { exportId: EXPORT_ID } })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const open: Service['open'] = (headers = {}, method = 'GET') =>
    new Promise((resolve, reject) => {
      const all = { authorization: 'Bearer token', ...headers }
      request({ host: '127.0.0.1', port: address.port, headers: all, method, agent: false }, resolve)
        .on('error', reject)
        .end()
    })
  return {
    events,
    url: `http://127.0.0.1:${address.port}/`,
    open,
    download: async (headers) => readAnswer(await open(headers)),
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function readAnswer(answer: IncomingMessage): Promise<Download> {
  const hash = createHash('sha256')
  let size = 0
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      hash.update(chunk)
      size += chunk.length
    }
  } catch {
    // cut: `complete` says so
  }
  const { statusCode: status = 0, headers, complete } = answer
  return { status, headers, size, sha256: hash.digest('hex'), complete }
}
