import type { ExportRecord } from '../../src/catalogue.ts'
import type { DownloadEnded, ExportEvent, RequestEnded, Trouble } from '../../src/events.ts'
import { createExportHandler } from '../../src/export-handler.ts'
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import type { ExportHandlerOptions } from '../../src/options/options.ts'
import type { ExportStore, MultiTenancy, Principal, SingleTenancy, Tenant } from '../../src/ports.ts'
import { refuse } from '../../src/refusals.ts'
import type { ExportHandler } from '../../src/request-response.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { type Answer, ask, type Ask } from './ask.ts'
import { serve, type Served, type ServeOptions } from './serve.ts'

export const acme = { id: 't-acme', name: 'acme' }
export const globex = { id: 't-globex', name: 'globex' }
const tenants = new Map<string, Tenant>([acme, globex].map((tenant) => [tenant.name, tenant]))

const idOf = (nth: number): string => `0f0e0d0c-0b0a-4908-8706-0000000000${String(nth).padStart(2, '0')}`

/** Export ids: of acme, but for `foreign`, which is globex's, and `missing`, which is nobody's. */
export const ids = {
  ready: idOf(1),
  pending: idOf(2),
  failed: idOf(3),
  expired: idOf(4),
  gone: idOf(5),
  foreign: idOf(6),
  missing: idOf(7),
  empty: idOf(8),
} as const

export const content = '{"event":"login","user":"ann"}\n{"event":"logout","user":"ann"}\n'
const objects = { 'acme/ready': content, 'globex/ready': '{"event":"secret"}\n', 'acme/empty': '' }

const recordOf = (id: string, more: Partial<ExportRecord> = {}): ExportRecord => ({
  id,
  tenantId: acme.id,
  key: 'acme/ready',
  format: 'jsonl',
  state: 'ready',
  ...more,
})

export const readyRecord = recordOf(ids.ready)

/** The catalogue. */
export const records = new Map<string, ExportRecord>(
  [
    readyRecord,
    recordOf(ids.pending, { state: 'pending' }),
    recordOf(ids.failed, { state: 'failed' }),
    recordOf(ids.expired, { expiresAt: new Date(1) }),
    recordOf(ids.gone, { key: 'acme/gone' }),
    recordOf(ids.foreign, { tenantId: globex.id, key: 'globex/ready' }),
    recordOf(ids.empty, { key: 'acme/empty' }),
  ].map((record) => [record.id, record]),
)

export const principalOf = (subject: string, more: Partial<Principal> = {}): Principal => ({
  issuer: 'https://issuer.test',
  subject,
  organizations: ['acme'],
  capabilities: ['exports:download'],
  claims: {},
  ...more,
})

/** Who each token proves. */
const principals = new Map<string, Principal>([
  ['ann', principalOf('ann')],
  ['two', principalOf('two', { organizations: ['acme', 'globex'] })],
  ['none', principalOf('none', { organizations: [] })],
  ['bob', principalOf('bob', { organizations: ['globex'] })],
  ['idle', principalOf('idle', { capabilities: ['exports:download-all', 'exports'] })],
])

export const pathOf = (id: string): string => `/exports/${id}/download`

/** The end of a request, a download or not. */
export type Ended = Omit<RequestEnded, 'type'> & Partial<Omit<DownloadEnded, 'type'>>

/** A guard behind a socket: what it was asked, what it asked, what it told. */
export interface Scene extends Served {
  readonly handler: ExportHandler
  /** Every call of a port, in order. */
  readonly calls: string[]
  readonly events: ExportEvent[]
  readonly ended: () => readonly Ended[]
  readonly troubles: () => readonly Trouble[]
  /** Resolves once so many exchanges are over. */
  readonly over: (count: number) => Promise<void>
  /** Ann of acme asks for the ready export, but for what is given. */
  readonly ask: (more?: Partial<Ask>) => Promise<Answer>
}

export type SceneOptions = Partial<ExportHandlerOptions> & { readonly server?: ServeOptions }

/** The options of a guard that works, in memory. */
export const soundOptions = (): ExportHandlerOptions => ({
  verifier: { verify: async (token) => principals.get(token) ?? refuse('token_invalid') },
  tenancy: { mode: 'multi', findTenant: async (name) => tenants.get(name) },
  capability: 'exports:download',
  findExport: async ({ exportId, tenant }) => {
    const record = records.get(exportId)
    return record?.tenantId === tenant.id ? record : undefined
  },
  store: createMemoryStore(objects),
  limits: { limiter: createMemoryLimiter({ maxKeys: 1_000 }) },
})

export async function openScene({ server, ...changes }: SceneOptions = {}): Promise<Scene> {
  const calls: string[] = []
  const events: ExportEvent[] = []
  const waiting: { readonly count: number; readonly resolve: () => void }[] = []
  const ended = (): Ended[] =>
    events.filter((event) => event.type === 'download_ended' || event.type === 'request_ended')
  const tell = (event: ExportEvent): void => {
    events.push(event)
    for (const { count, resolve } of waiting) if (ended().length >= count) resolve()
  }
  const onEvent = (event: ExportEvent): void => {
    tell(event)
    return changes.onEvent?.(event)
  }
  const options = { ...soundOptions(), ...changes, onEvent }
  const handler = createExportHandler(recorded(options, calls))
  const served = await serve(handler, server)
  return {
    ...served,
    handler,
    calls,
    events,
    ended,
    troubles: () => events.filter((event) => event.type === 'trouble'),
    over: (count) =>
      new Promise((resolve) => {
        waiting.push({ count, resolve })
        if (ended().length >= count) resolve()
      }),
    ask: ({ method = 'GET', path = pathOf(ids.ready), headers } = {}) =>
      ask(served.port, {
        method,
        path,
        headers: { authorization: 'Bearer ann', 'x-org-name': 'acme', ...headers },
      }),
  }
}

/** The same options, each call of a port written down. */
function recorded(options: ExportHandlerOptions, calls: string[]): ExportHandlerOptions {
  const note = <A extends readonly unknown[], R>(name: string, call: (...args: A) => R) =>
    function noted(...args: A): R {
      calls.push(name)
      return call(...args)
    }
  const { verifier, tenancy, findExport, store, limits } = options
  const limiter = limits?.limiter
  return {
    ...options,
    verifier: { ...verifier, verify: note('verifier', verifier.verify) },
    tenancy: tenancy.mode === 'single' ? tenancy : recordedTenancy(tenancy, note),
    findExport: note('catalogue', findExport),
    store: typeof store === 'function' ? store : recordedStore(store, note),
    limits: {
      ...limits,
      ...(limiter && { limiter: { ...limiter, admit: note('limiter', (...ask) => limiter.admit(...ask)) } }),
    },
  }
}

type Note = <A extends readonly unknown[], R>(name: string, call: (...args: A) => R) => (...args: A) => R

const recordedTenancy = (tenancy: MultiTenancy<Tenant>, note: Note): MultiTenancy<Tenant> => ({
  ...tenancy,
  findTenant: note('tenants', tenancy.findTenant),
  ...(tenancy.isMember && { isMember: note('members', tenancy.isMember) }),
})

const recordedStore = (store: ExportStore, note: Note): ExportStore => ({
  head: note('head', (...args) => store.head(...args)),
  get: note('get', (...args) => store.get(...args)),
})

export const single: SingleTenancy<Tenant> = { mode: 'single', tenant: acme }
