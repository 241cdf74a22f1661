import type { ExportRecord } from '../../src/catalogue.ts'
import type { ExportEvent } from '../../src/events.ts'
import { createExportHandler } from '../../src/export-handler.ts'
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import type { ExportHandlerOptions } from '../../src/options/options.ts'
import type { Tenant } from '../../src/ports.ts'
import { refuse } from '../../src/refusals.ts'
import type { ExportHandler } from '../../src/request-response.ts'
import type { Served } from '../../src/testing/adapter-contract.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import type { TicketOptions } from '../../src/verifiers/ticket-options.ts'
import { createTickets } from '../../src/verifiers/tickets.ts'
import { type Answer, ask, type Ask } from '../handler/ask.ts'

/** Serves a handler at `/exports/{exportId}/download` and `/exports/{exportId}/ticket`. */
export type Serve = (handler: ExportHandler) => Promise<Served>

export const size = 200_003
/** ASCII, so that a character is a byte. */
export const content: Uint8Array = Buffer.from(
  Buffer.from(positionCoded(size)).toString('hex').slice(0, size),
)
export const secret = Uint8Array.from({ length: 32 }, (_, index) => index)
const keys = [{ id: '2026-11', secret }]
export const ids = {
  acme: '0f0e0d0c-0b0a-4908-8706-000000000001',
  globex: '0f0e0d0c-0b0a-4908-8706-000000000002',
  other: '0f0e0d0c-0b0a-4908-8706-000000000003',
} as const
export const acme = { id: 't-acme', name: 'acme' }
const globex = { id: 't-globex', name: 'globex' }

export const recordOf = (id: string, tenantId: string): ExportRecord => ({
  id,
  tenantId,
  key: 'k',
  format: 'jsonl',
  state: 'ready',
  filename: 'Übersicht 2026.jsonl',
  object: { size },
})

/** A served endpoint whose clock, tenants and records a test changes. */
export interface TicketScene extends AsyncDisposable {
  readonly handler: ExportHandler
  readonly port: number
  readonly events: ExportEvent[]
  /** Milliseconds since the epoch. */
  readonly clock: { at: number }
  readonly tenants: Map<string, Tenant>
  readonly records: Map<string, ExportRecord>
  readonly calls: string[]
  readonly ask: (path: string, headers?: Ask['headers'], method?: string) => Promise<Answer>
  /** Asks for a ticket as `ann`, and gives the URL. */
  readonly ticket: (id?: string, headers?: Ask['headers']) => Promise<string>
}

export interface TicketSceneOptions extends Partial<ExportHandlerOptions> {
  readonly with?: Partial<TicketOptions>
}

export async function openTicketScene(
  serve: Serve,
  { with: ticketOptions, ...changes }: TicketSceneOptions = {},
): Promise<TicketScene> {
  const clock = { at: 1_800_000_000_000 }
  const events: ExportEvent[] = []
  const calls: string[] = []
  const tenants = new Map<string, Tenant>([acme, globex].map((tenant) => [tenant.name, tenant]))
  const records = new Map(
    [recordOf(ids.acme, acme.id), recordOf(ids.globex, globex.id), recordOf(ids.other, acme.id)].map(
      (record) => [record.id as string, record],
    ),
  )
  const store = createMemoryStore({ k: content })
  const handler = createExportHandler({
    verifier: {
      verify: async (token) => {
        if (token !== 'ann' && token !== 'idle') refuse('token_invalid')
        return {
          issuer: 'https://issuer.test',
          subject: token,
          organizations: ['acme', 'globex'],
          capabilities: token === 'ann' ? ['exports:download'] : [],
          claims: { email: 'ann@acme.test' },
        }
      },
    },
    tenancy: {
      mode: 'multi',
      findTenant: async (name) => {
        calls.push('tenants')
        return tenants.get(name)
      },
    },
    capability: 'exports:download',
    versions: { v1: {}, v2: { deprecated: new Date(1) } },
    findExport: async ({ exportId, tenant }) => {
      calls.push('catalogue')
      const record = records.get(exportId)
      return record?.tenantId === tenant.id ? record : undefined
    },
    store: {
      head: (...given) => {
        calls.push('head')
        return store.head(...given)
      },
      get: (...given) => {
        calls.push('get')
        return store.get(...given)
      },
    },
    tickets: createTickets({ keys, ...ticketOptions }),
    limits: { limiter: createMemoryLimiter({ maxKeys: 1_000 }) },
    onEvent: (event) => void events.push(event),
    now: () => clock.at,
    ...changes,
  })
  const served = await serve(handler)
  const port = Number(served.url.port)
  const askFor: TicketScene['ask'] = (path, headers = {}, method = 'GET') =>
    ask(port, { path, headers, method })
  return {
    handler,
    port,
    events,
    clock,
    tenants,
    records,
    calls,
    ask: askFor,
    ticket: async (id = ids.acme, headers = {}) => {
      const own = {
        authorization: 'Bearer ann',
        'x-org-name': id === ids.globex ? 'globex' : 'acme',
        ...headers,
      }
      const answer = await askFor(`/exports/${id}/ticket`, own, 'POST')
      return (JSON.parse(answer.body) as { url: string }).url
    },
    [Symbol.asyncDispose]: () => served.close(),
  }
}

/** The kind of the last request, by its event. */
export function lastEnd({ events }: TicketScene): {
  readonly kind?: string | undefined
  readonly outcome?: string
  readonly via?: string | undefined
  readonly ticketId?: string | undefined
} {
  const end = events.findLast((event) => event.type === 'request_ended' || event.type === 'download_ended')
  if (end?.type === 'request_ended')
    return { kind: end.kind, outcome: end.outcome, via: end.via, ticketId: end.ticketId }
  return end ? { outcome: end.outcome, via: end.via, ticketId: end.ticketId } : {}
}
