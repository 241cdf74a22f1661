import type { RequestListener } from 'node:http'

import {
  createExportHandler,
  type DownloadEnded,
  type ExportEvent,
  type ExportHandler,
  type ExportHandlerOptions,
  type ExportStore,
  type RequestEnded,
  serveNode,
} from '@sallyport/core'

/** The one export here, and the file it is. */
const exportId = '0f0e0d0c-0b0a-4908-8706-050403020100'
export const key = `${exportId}.jsonl`
export const path = `/exports/${exportId}/download`
export const authorization = 'Bearer token'

/** The guard, open to everybody, in front of a store. */
export interface Guarded {
  readonly handler: ExportHandler
  readonly listener: RequestListener
  readonly events: readonly ExportEvent[]
  readonly ended: () => readonly (DownloadEnded | RequestEnded)[]
}

export function guarded(store: ExportStore, more: Partial<ExportHandlerOptions> = {}): Guarded {
  const events: ExportEvent[] = []
  const handler = createExportHandler({
    verifier: {
      verify: async () => ({
        issuer: 'https://issuer.test',
        subject: 'ann',
        organizations: ['acme'],
        capabilities: ['download'],
        claims: {},
      }),
    },
    tenancy: { mode: 'single', tenant: { id: 't-1', name: 'acme' } },
    capability: 'download',
    findExport: async () => ({ id: exportId, tenantId: 't-1', key, format: 'jsonl', state: 'ready' }),
    store,
    limits: {
      perPrincipal: { capacity: 1_000_000, refill: 1_000_000, perMs: 100 },
      concurrent: { perPrincipal: 10_000 },
    },
    onEvent: (event) => void events.push(event),
    ...more,
  })
  return {
    handler,
    listener: (request, response) => void serveNode(handler, request, response, { params: { exportId } }),
    events,
    ended: () => events.filter((event) => event.type === 'download_ended' || event.type === 'request_ended'),
  }
}
