import { createExportHandler, type ExportStore, type Principal } from '@sallyport/core'

import { exportDownload } from '../../src/fetch-adapter.ts'

/** The exports of the service, by what happens to them. */
export const ids = {
  whole: '01900000-0000-7000-8000-000000000001',
  empty: '01900000-0000-7000-8000-000000000002',
  large: '01900000-0000-7000-8000-000000000003',
  cutAfterFirst: '01900000-0000-7000-8000-000000000004',
  cutInMiddle: '01900000-0000-7000-8000-000000000005',
  cutBeforeLast: '01900000-0000-7000-8000-000000000006',
  hangingStore: '01900000-0000-7000-8000-000000000007',
  hangingCatalogue: '01900000-0000-7000-8000-000000000008',
} as const

export const secret = 'secret-bucket'
export const wholeSize = 200_003
const largeSize = 256 * 2 ** 20

interface Behaviour {
  readonly size: number
  /** The store fails before this byte. */
  readonly failsAt?: number
  /** The store hangs before this byte, until it is closed. */
  readonly hangsAt?: number
}
const objects: Readonly<Record<string, Behaviour>> = {
  [ids.whole]: { size: wholeSize },
  [ids.empty]: { size: 0 },
  [ids.large]: { size: largeSize },
  [ids.cutAfterFirst]: { size: wholeSize, failsAt: 1 },
  [ids.cutInMiddle]: { size: wholeSize, failsAt: 100_000 },
  [ids.cutBeforeLast]: { size: wholeSize, failsAt: wholeSize - 1 },
  [ids.hangingStore]: { size: wholeSize, hangsAt: 100_000 },
}

/** What the service has seen. */
export interface State {
  readonly outcomes: readonly string[]
  /** Objects that are open. */
  readonly open: number
  /** Requests that have arrived and not ended. */
  readonly running: number
  /** Bytes that were read from the store. */
  readonly read: number
  readonly unhandled: readonly string[]
}

/** The byte at a position of every export. */
export const byteAt = (position: number): number => (position * 7 + (position >> 8)) & 0xff

export interface Service {
  readonly fetch: (request: Request) => Promise<Response>
  readonly unhandled: (error: unknown) => void
}

/** A service with the Fetch API: `/exports/{id}/download`, `/state` and `/cut`. */
export function createService(onLostLength?: 'allow'): Service {
  const outcomes: string[] = []
  const unhandled: string[] = []
  let [open, read, arrived] = [0, 0, 0]
  const store: ExportStore = {
    head: async (key) => infoOf(key),
    get: async (key, { range }) => {
      const behaviour = objects[key]
      if (!behaviour) return undefined
      open += 1
      const closed = Promise.withResolvers<undefined>()
      const count = (bytes: number): void => void (read += bytes)
      const first = range?.first ?? 0
      const last = range?.last ?? behaviour.size - 1
      return {
        info: infoOf(key),
        chunks: chunksOf(first, last, behaviour, closed.promise, count),
        close: once(() => {
          open -= 1
          closed.resolve(undefined)
        }),
      }
    },
  }
  const handler = createExportHandler({
    verifier: { verify: async (token) => principalOf(token) },
    tenancy: { mode: 'single', tenant: { id: 'tenant', name: 'acme' } },
    capability: 'read',
    findExport: async ({ exportId }, signal) => {
      if (exportId === ids.hangingCatalogue) await untilAborted(signal)
      const id = Object.values(ids).find((one) => one === exportId)
      if (id === undefined) return undefined
      return {
        id,
        tenantId: 'tenant',
        key: exportId,
        format: 'csv',
        state: 'ready',
        filename: 'Übersicht 2026.csv',
        object: infoOf(exportId),
      }
    },
    store,
    delivery: { multipleRanges: true, resume: { attempts: 0 } },
    limits: { concurrent: {} },
    onEvent: (event) => {
      if (event.type === 'download_ended' || event.type === 'request_ended') outcomes.push(event.outcome)
    },
  })
  const download = exportDownload(handler, {
    params: (request) => ({ exportId: new URL(request.url).pathname.split('/')[2] }),
    ...(onLostLength && { onLostLength }),
  })
  return {
    unhandled: (error) => void unhandled.push(String(error)),
    fetch: async (request) => {
      const { pathname } = new URL(request.url)
      if (pathname === '/cut') return Response.json(handler.cut(() => true))
      if (pathname === '/state') {
        const state: State = { outcomes, open, running: arrived - outcomes.length, read, unhandled }
        return Response.json(state)
      }
      arrived += 1
      return download(request)
    },
  }
}

const infoOf = (key: string): { size: number; validator: string } => ({
  size: objects[key]?.size ?? 0,
  validator: 'v1',
})

const principalOf = (subject: string): Principal => ({
  issuer: 'i',
  subject,
  organizations: ['acme'],
  capabilities: ['read'],
  claims: {},
})

async function* chunksOf(
  first: number,
  last: number,
  { failsAt = Infinity, hangsAt = Infinity }: Behaviour,
  closed: Promise<undefined>,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = first; at <= last;) {
    const end = Math.min(
      at + 65_536,
      last + 1,
      failsAt > at ? failsAt : Infinity,
      hangsAt > at ? hangsAt : Infinity,
    )
    if (at === failsAt) throw new Error(secret)
    if (at === hangsAt) return await closed
    count(end - at)
    yield Uint8Array.from({ length: end - at }, (_, index) => byteAt(at + index))
    at = end
  }
}

function once(run: () => void): () => void {
  let ran = false
  return () => {
    if (!ran) run()
    ran = true
  }
}

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
  })
