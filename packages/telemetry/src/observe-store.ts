import type { ExportStore, Tenant } from '@sallyport/core'

import type { Metrics } from './metrics.ts'
import type { Current, ObservedRequest } from './observed-request.ts'
import { quietly } from './quietly.ts'

/**
 * Replaces the option `store` by a function that makes a store for each request. So a reopen in hour five is recorded for its request:
 * it happens while the adapter reads the body, outside the call of `handle`.
 */
export function observeStores<T extends Tenant>(
  given: ExportStore | ((tenant: T) => ExportStore),
  current: Current,
  metrics: Metrics,
): (tenant: T) => ExportStore {
  const storeOf = typeof given === 'function' ? given : (): ExportStore => given
  const heard = new WeakSet<ExportStore>()
  return (tenant) => {
    const store = storeOf(tenant)
    // The handler's own check then says what the host's function has returned.
    if (!isStore(store)) return store
    const observed = observeStore(store, current(), metrics)
    // The handler listens to each store object once, and there is a new one for each request.
    if (!store.onTrouble || heard.has(store)) return observed
    heard.add(store)
    return { ...observed, onTrouble: (listener) => store.onTrouble?.(listener) }
  }
}

function observeStore(
  store: ExportStore,
  request: ObservedRequest | undefined,
  metrics: Metrics,
): ExportStore {
  const spans = request?.spans
  let opens = 0
  return {
    head: (key, signal) => {
      const call = (): ReturnType<ExportStore['head']> => store.head(key, signal)
      return spans ? spans.port('store.head', call) : call()
    },
    get: (key, options, signal) => {
      opens += 1
      const call = (): ReturnType<ExportStore['get']> => store.get(key, options, signal)
      const opened = spans ? spans.port('store.get', call, { 'sallyport.attempt': opens }) : call()
      return opens > 1 ? counted(opened, metrics) : opened
    },
    ...(store.connections && { connections: store.connections }),
  }
}

/** Counts a reopen when it is decided. */
async function counted(
  opened: ReturnType<ExportStore['get']>,
  metrics: Metrics,
): ReturnType<ExportStore['get']> {
  try {
    const object = await opened
    quietly(() => metrics.reopen(object ? 'opened' : 'failed'))
    return object
  } catch (error) {
    quietly(() => metrics.reopen('failed'))
    throw error
  }
}

const isStore = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  typeof Reflect.get(value, 'head') === 'function' &&
  typeof Reflect.get(value, 'get') === 'function'
