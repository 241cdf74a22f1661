import type { ExportRecord } from '../catalogue.ts'
import { codedErrors } from '../error-formats/coded-errors.ts'
import { validationErrors } from '../error-formats/validation-errors.ts'
import type { DownloadEnded, ExportEvent, RequestEnded } from '../events.ts'
import { createExportHandler } from '../export-handler.ts'
import type { Principal, Tenant } from '../ports.ts'
import { refuse } from '../refusals.ts'
import type { ExportHandler } from '../request-response.ts'
import { createTickets } from '../verifiers/tickets.ts'
import { createAdapterLimiter } from './adapter-limiter.ts'
import { createAdapterStore } from './adapter-store.ts'
import { createPortWatch, type Stage } from './port-watch.ts'

/** The ids of the exports that the cases request, by their behaviour. */
export const exportIds = {
  whole: '01900000-0000-7000-8000-000000000001',
  empty: '01900000-0000-7000-8000-000000000002',
  large: '01900000-0000-7000-8000-000000000003',
  cut: '01900000-0000-7000-8000-000000000004',
  wrong: '01900000-0000-7000-8000-000000000005',
  silent: '01900000-0000-7000-8000-000000000006',
  broken: '01900000-0000-7000-8000-000000000007',
  missing: '01900000-0000-7000-8000-00000000000f',
} as const

/** A handler with known exports and ports that count their calls. */
export interface WatchedHandler {
  readonly handler: ExportHandler
  /** How many requests it has received. */
  readonly asked: () => number
  /** The number of port calls, slots and open objects that are not released. */
  readonly running: () => number
  /** How often requests have reached a stage. */
  readonly reached: (stage: Stage) => number
  /** The requests that have ended, in order. */
  readonly ended: readonly (DownloadEnded | RequestEnded)[]
  /** Resolves when the condition is true. Checks it again after each port call and exchange. */
  readonly until: (condition: () => boolean) => Promise<void>
}

/**
 * Creates a handler whose responses are always the same: its clock stands still, and its limiter does not count.
 *
 * @param hangsAt - the stage that hangs until its signal fires. Absent: none
 */
export function createWatchedHandler(hangsAt?: Stage): WatchedHandler {
  const watch = createPortWatch(hangsAt)
  const ended: (DownloadEnded | RequestEnded)[] = []
  let asked = 0
  const onEvent = (event: ExportEvent): void => {
    if (event.type !== 'download_ended' && event.type !== 'request_ended') return
    ended.push(event)
    watch.changed()
  }
  const counted = <V>(call: () => V): V => {
    asked += 1
    return call()
  }
  const guard = createExportHandler<Tenant>({
    verifier: { verify: (token, signal) => watch.call('verifier', signal, () => principalOf(token)) },
    tenancy: {
      mode: 'multi',
      findTenant: (name, _, signal) => watch.call('tenants', signal, () => tenantOf(name)),
    },
    capability: 'exports:download',
    versions: {
      v1: { errors: validationErrors() },
      v2: {
        errors: codedErrors(),
        deprecated: new Date('2026-01-01'),
        sunset: new Date('2030-01-01'),
        links: { deprecation: 'https://exports.test/v2' },
      },
    },
    findExport: ({ exportId }, signal) => watch.call('catalogue', signal, () => recordOf(exportId)),
    store: createAdapterStore(watch),
    tickets: createTickets({
      keys: [{ id: 'contract', secret: Uint8Array.from({ length: 32 }, (_, index) => index) }],
    }),
    audit: (_, signal) => watch.call('audit', signal, () => undefined),
    limits: { limiter: createAdapterLimiter(watch) },
    delivery: { resume: { attempts: 1, withinMs: 1_000 }, multipleRanges: true },
    onEvent,
    now: () => Date.UTC(2026, 0, 2),
  })
  return {
    handler: {
      ...guard,
      handle: (request) => counted(() => guard.handle(request)),
      handleTicket: (request) => counted(() => guard.handleTicket(request)),
    },
    asked: () => asked,
    running: watch.running,
    reached: watch.reached,
    ended,
    until: watch.until,
  }
}

/** Accepts three tokens: `reader`, `busy` (a reader whose quota is used up) and `guest` (without the capability). */
function principalOf(token: string): Principal {
  if (token !== 'reader' && token !== 'busy' && token !== 'guest') refuse('token_invalid')
  const capabilities = token === 'guest' ? [] : ['exports:download']
  return { issuer: 'https://issuer.test', subject: token, organizations: ['acme'], capabilities, claims: {} }
}

const tenantOf = (name: string): Tenant => ({ id: `id of ${name}`, name })

function recordOf(exportId: string): ExportRecord | undefined {
  if (exportId === exportIds.broken) refuse('internal')
  const known = Object.entries(exportIds).find(([, id]) => id === exportId)
  if (!known || exportId === exportIds.missing) return undefined
  return { id: exportId, tenantId: 'id of acme', key: known[0], format: 'jsonl', state: 'ready' }
}
