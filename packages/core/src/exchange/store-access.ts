import type { FilledDelivery } from '../options/resolve-options.ts'
import type { ByteRange, ExportStore, GetOptions, ObjectInfo, OpenObject } from '../ports.ts'
import { refusal } from '../refusals.ts'
import { withDeadline } from '../waiting.ts'
import type { Exchange } from './exchange.ts'
import { sameObject } from './open-export.ts'

/** The store, as one exchange sees it: one key, its signal, its count of attempts. */
export interface StoreAccess {
  /** Whether the reader has allowed chunks to be lent. */
  readonly lent: boolean
  head(): Promise<ObjectInfo | undefined>
  /** What it gives is closed when the exchange ends, read or not. */
  get(options: GetOptions): Promise<OpenObject | undefined>
  /** Opens the same object again, elsewhere. Refuses `object_changed` where it is another one by now. */
  reopen(range: ByteRange, info: ObjectInfo): Promise<OpenObject>
}

export function storeAccess(
  find: () => ExportStore,
  key: string,
  lent: boolean,
  { storeSilenceMs }: FilledDelivery,
  exchange: Exchange,
): StoreAccess {
  const { ask, entry } = exchange
  let found: ExportStore | undefined
  const store = (): ExportStore => (found ??= find())
  return {
    lent,
    head: () => ask('store', async (signal) => store().head(key, signal)),
    get: (options) => {
      entry.attempts += 1
      return ask('store', async (signal) => {
        const object = await store().get(key, { ...options, borrow: lent }, signal)
        if (object) exchange.onEnd(() => object.close())
        return object && checkOpen(object)
      })
    },
    reopen: async (range, info) => {
      entry.attempts += 1
      const pinned = { range, ifMatch: info.validator, borrow: lent }
      const open = (signal: AbortSignal): Promise<OpenObject | undefined> => store().get(key, pinned, signal)
      const late = (object: OpenObject | undefined): void => object?.close()
      const object = await withDeadline(open, { ms: storeSilenceMs, signal: exchange.signal, late })
      if (object && sameObject(object.info, info)) return object
      object?.close()
      throw refusal({ kind: 'object_changed' })
    },
  }
}

/** A store is a port: what it calls an open object must at least be one that can be read and closed. */
function checkOpen(object: OpenObject): OpenObject {
  const { chunks, close } = object as Partial<OpenObject>
  if (typeof chunks?.[Symbol.asyncIterator] === 'function' && typeof close === 'function') return object
  const cause = new TypeError('an open object needs info, chunks and close')
  throw refusal({ kind: 'upstream_error', trouble: 'object_malformed' }, cause)
}
