import { createExportHandler, type ExportStore } from '@sallyport/core'

/** The heap, after a collection, along a very long download. */
export interface LongDelivery {
  readonly chunks: number
  readonly earlyBytes: number
  readonly lateBytes: number
}

const chunkBytes = 1_024
const tenant = { id: 'acme', name: 'acme' }
const principal = { issuer: 'i', subject: 's', organizations: ['acme'], capabilities: ['c'], claims: {} }

/**
 * Delivers chunks of 1 KiB from a store that generates them, and compares the heap after a tenth of them with the
 * heap at the end. Memory that is kept for each chunk would show a million times.
 *
 * @param collect - a full garbage collection
 */
export async function measureLongDelivery(chunks: number, collect: () => unknown): Promise<LongDelivery> {
  const handler = createExportHandler({
    verifier: { verify: () => Promise.resolve(principal) },
    tenancy: { mode: 'single', tenant },
    capability: 'c',
    findExport: ({ exportId }) =>
      Promise.resolve({ id: String(exportId), tenantId: tenant.id, key: 'k', format: 'csv', state: 'ready' }),
    store: createEndlessStore(chunks),
  })
  const { body } = await handler.handle({
    method: 'GET',
    params: { exportId: '0b0e7b4e-3c1d-4a53-9d0c-5f0a6c1d2e3f' },
    header: (name) => (name === 'authorization' ? 'Bearer token' : undefined),
    signal: new AbortController().signal,
    borrow: true,
  })
  const heap = (): number => {
    collect()
    return process.memoryUsage().heapUsed
  }
  let seen = 0
  let earlyBytes = 0
  let lateBytes = 0
  for await (const _ of body ?? []) {
    seen += 1
    if (seen === Math.floor(chunks / 10)) earlyBytes = heap()
    if (seen === chunks - 1) lateBytes = heap()
  }
  return { chunks: seen, earlyBytes, lateBytes }
}

function createEndlessStore(count: number): ExportStore {
  const info = { size: count * chunkBytes, validator: 'one' }
  async function* make(): AsyncGenerator<Uint8Array> {
    const reused = new Uint8Array(chunkBytes)
    for (let index = 0; index < count; index++) yield reused
  }
  return {
    head: () => Promise.resolve(info),
    get: () => Promise.resolve({ info, chunks: make(), close: () => undefined }),
  }
}
