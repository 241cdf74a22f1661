import type { IncomingMessage } from 'node:http'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { ExportEvent, ExportHandler, ExportHandlerOptions, ExportStore } from '@sallyport/core'
import { createTickets, refuse, serveNode } from '@sallyport/core'
import { createMemoryStore, positionCoded } from '@sallyport/core/testing'

import { createObservedExportHandler } from '../src/telemetry.ts'
import type { TelemetryOptions } from '../src/telemetry.ts'

export const exportId = '0f0e0d0c-0b0a-4908-8706-050403020100'

/** The path of its download. */
export const exportPath = `/exports/${exportId}/download`
const key = 'folder/object.jsonl'
export const size = 400_000

/** A store with the export of the scene. */
export const holding = (bytes = size): ExportStore => createMemoryStore({ [key]: positionCoded(bytes) })

/** The options of a handler with one export. The token is the subject; `bad` is no token. */
export function optionsOf(
  store: ExportStore,
  more: Partial<ExportHandlerOptions> = {},
): ExportHandlerOptions {
  return {
    verifier: {
      verify: async (token) => {
        if (token === 'bad') refuse('token_invalid')
        const capabilities = ['exports:download']
        return {
          issuer: 'https://issuer.test',
          subject: token,
          organizations: ['acme'],
          capabilities,
          claims: {},
        }
      },
    },
    tenancy: { mode: 'multi', findTenant: async (name) => ({ id: `id of ${name}`, name }) },
    capability: 'exports:download',
    findExport: async (query) => {
      if (String(query.exportId) !== exportId) return undefined
      return { id: exportId, tenantId: 'id of acme', key, format: 'jsonl', state: 'ready' }
    },
    store,
    audit: async () => undefined,
    tickets: createTickets({ keys: [{ id: 'one', secret: Uint8Array.from({ length: 32 }, (_, at) => at) }] }),
    limits: { perPrincipal: { capacity: 1_000_000, refill: 1_000_000, perMs: 1_000 } },
    ...more,
  }
}

/** A served handler, and its events. */
export interface Scene extends AsyncDisposable {
  readonly handler: ExportHandler
  readonly events: readonly ExportEvent[]
  readonly url: URL
  /** The path of a ticket for the export. */
  readonly ticketPath: string
  /** Sends a request, and resolves to its response once the head is here. */
  readonly ask: (asked?: Asked) => Promise<IncomingMessage>
  /** As {@link Scene.ask}; resolves to the number of bytes of the body, or to what the connection ended with. */
  readonly read: (asked?: Asked) => Promise<Answer>
  /** Resolves when an event of the request that ended matches. */
  readonly ended: (matches: (event: ExportEvent) => boolean) => Promise<ExportEvent>
}

interface Asked {
  readonly method?: string
  readonly path?: string
  /** A field with the value `''` is not sent. */
  readonly headers?: Readonly<Record<string, string>>
}

interface Answer {
  readonly status: number
  readonly bytes: number
  readonly failed: boolean
}

export async function openScene(options: ExportHandlerOptions, telemetry?: TelemetryOptions): Promise<Scene> {
  const events: ExportEvent[] = []
  let changed = Promise.withResolvers<void>()
  const onEvent = (event: ExportEvent): void => {
    events.push(event)
    changed.resolve()
    changed = Promise.withResolvers()
    options.onEvent?.(event)
  }
  const handler = createObservedExportHandler({ ...options, onEvent }, telemetry)
  const server = createServer((request, response) => {
    const [, id = '', route] = /^\/exports\/([^/]+)\/(\w+)/.exec(request.url ?? '') ?? []
    const handle = route === 'ticket' ? handler.handleTicket : handler.handle
    void serveNode({ handle }, request, response, { params: { exportId: id }, address: '192.0.2.7' })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const ask = ({ method = 'GET', path = exportPath, headers = {} }: Asked = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const usual = { authorization: 'Bearer ann', 'x-org-name': 'acme' }
      const sent = Object.entries({ ...usual, ...headers }).filter(([, value]) => value !== '')
      request({ host: '127.0.0.1', port, method, path, headers: Object.fromEntries(sent), agent: false })
        .on('response', resolve)
        .on('error', reject)
        .end()
    })
  return {
    handler,
    events,
    ticketPath: exportPath.replace('download', 'ticket'),
    url: new URL(`http://127.0.0.1:${port}`),
    ask,
    read: async (asked) => {
      const response = await ask(asked)
      let bytes = 0
      let failed = false
      try {
        for await (const chunk of response) bytes += (chunk as Buffer).length
      } catch {
        failed = true
      }
      return { status: response.statusCode ?? 0, bytes, failed }
    },
    ended: async (matches) => {
      for (;;) {
        const found = events.find(matches)
        if (found) return found
        await changed.promise
      }
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
