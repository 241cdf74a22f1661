import type { ExportRecord } from '../../src/catalogue.ts'
import type { DownloadStarted, ExportEvent, Trouble } from '../../src/events.ts'
import { createExportHandler } from '../../src/export-handler.ts'
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import type { DeliveryOptions, ExportHandlerOptions } from '../../src/options/options.ts'
import type { ExportStore } from '../../src/ports.ts'
import type { ExportHandler, ExportRequest } from '../../src/request-response.ts'
import type { Ended } from '../handler/scene.ts'

/** The one export that every guard here knows. */
export const exportId = '0f0e0d0c-0b0a-4908-8706-050403020100'
export const key = 'object'
export const path = `/exports/${exportId}/download`

/** Shared: its tables are large, and no test here is about limits. */
const limiter = createMemoryLimiter()

/** A guard that lets everybody in, in front of one store. */
export interface OpenGuard {
  readonly handler: ExportHandler
  readonly events: ExportEvent[]
  readonly ended: () => Ended[]
  readonly started: () => DownloadStarted[]
  readonly troubles: () => Trouble[]
}

export function openGuard(
  store: ExportStore,
  more: Partial<ExportHandlerOptions> & { delivery?: DeliveryOptions; record?: Partial<ExportRecord> } = {},
): OpenGuard {
  const { record, ...options } = more
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
    findExport: async () => ({
      id: exportId,
      tenantId: 't-1',
      key,
      format: 'jsonl',
      state: 'ready',
      ...record,
    }),
    store,
    limits: {
      perPrincipal: { capacity: 1_000_000, refill: 1_000_000, perMs: 100 },
      concurrent: { perPrincipal: 10_000 },
      limiter,
    },
    onEvent: (event) => void events.push(event),
    ...options,
  })
  return {
    handler,
    events,
    ended: () => events.filter((event) => event.type === 'download_ended' || event.type === 'request_ended'),
    started: () => events.filter((event) => event.type === 'download_started'),
    troubles: () => events.filter((event) => event.type === 'trouble'),
  }
}

/** A request as an adapter would make it. */
export function ask(fields: Record<string, string> = {}, more: Partial<ExportRequest> = {}): ExportRequest {
  const headers: Record<string, string> = { authorization: 'Bearer token', ...fields }
  return {
    method: 'GET',
    params: { exportId },
    header: (name) => headers[name],
    signal: new AbortController().signal,
    ...more,
  }
}

/** Everything a body gives, copied chunk by chunk as a socket would. */
export async function collect(body: AsyncIterable<Uint8Array> | undefined): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of body ?? []) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** Resolves once the condition holds; looks at every turn of the event loop. */
export async function until(condition: () => boolean, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('the condition never became true')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Resolves when a count is above 0 and has not changed for 50 ms. */
export async function stands(count: () => number, withinMs = 10_000): Promise<void> {
  let last = 0
  let since = performance.now()
  await until(() => {
    const now = count()
    if (now !== last) [last, since] = [now, performance.now()]
    return now > 0 && performance.now() - since > 50
  }, withinMs)
}
