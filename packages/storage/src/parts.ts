import type { ExportStore } from '@sallyport/core'
import * as check from '@sallyport/core/check-options'

import { keys, store as storeCheck } from './check-options.ts'
import type { EncodedParts } from './parts/open-piece.ts'
import { arePinned, checkParts, joinParts, type Part } from './parts/part.ts'
import { type ListParts, openPartsStore } from './parts/store.ts'

export type { Part } from './parts/part.ts'

/** The options of {@link createPartsStore}. */
export interface PartsOptions {
  /**
   * The next part is opened when the current one will end within this time, in milliseconds, at the speed of its download so far. So
   * the client does not wait for the store between two parts. Raise it if the store takes longer to answer. Up to three more parts are
   * opened if they begin within this time and within twice the time that the store takes to open one.
   * @defaultValue 1000
   */
  readonly aheadMs?: number
  /**
   * What to do if several parts are stored with a content coding. `'refuse'`: 502, because Chromium, for example, decodes the first gzip
   * part only, and reports no error. `'file'`: the joined bytes are served without `Content-Encoding`, as a `.gz` or `.zst`
   * file. The `filename` of the record must have that ending. Brotli parts are always refused: they cannot be joined.
   * @defaultValue 'refuse'
   */
  readonly encodedParts?: EncodedParts
  /**
   * `'strict'` refuses keys with an empty, `.` or `..` segment or a backslash, of records and of parts, before any part is opened.
   * `'literal'` passes them to `listParts` and to the wrapped store, which has a rule of its own.
   * @defaultValue 'strict'
   */
  readonly keys?: 'strict' | 'literal'
}

/**
 * Creates a store whose objects are made of several objects of another store, for example of the files that a warehouse has unloaded.
 *
 * The size of a joined object is the sum of what its parts contribute. Its validator is a hash of the parts' sizes, cuts and validators in
 * their order. A range opens only the parts that it touches. Each part is pinned by its own validator whenever it is opened.
 *
 * - `undefined` (`object_missing`): `listParts` returns nothing, or the object of the first part to be opened does not exist.
 * - `'object_changed'`: an object has another validator than its part, or does not exist when its turn comes during a download, or
 *   `ifMatch` belongs to another list.
 * - `'upstream_error'`: the list is empty, malformed or longer than 100,000 parts (trouble `record_malformed`), an object has its part's validator but not its size
 *   (`record_stale`), or encoded parts cannot be joined.
 *
 * A download has at most five bodies open at a time, so `connections.perDownload` is five times that of the wrapped store. If parts have
 * no validator, `head` and `get` first call `head` of the wrapped store for each of them, at most 8 at a time.
 *
 * @param store - the store that has the parts
 * @param listParts - returns the parts of an export, in order. Called once for each `head` and `get` with the `key` of the record,
 *   so read them from the catalogue and do not list a bucket. Its rejection is a fault of the store. A list that you keep and return
 *   again can be frozen with `Object.freeze`: it is then checked and hashed only once, which takes milliseconds for 10,000 parts
 * @throws TypeError that names each wrong option
 */
export function createPartsStore(
  store: ExportStore,
  listParts: (key: string, signal: AbortSignal) => Promise<readonly Part[] | null | undefined>,
  options: PartsOptions = {},
): ExportStore {
  check.checkOptions('createPartsStore', { store, listParts, options }, argumentsCheck)
  return openPartsStore(store, listParts, {
    keys: options.keys ?? 'strict',
    aheadMs: options.aheadMs ?? 1_000,
    encodedParts: options.encodedParts ?? 'refuse',
    now: () => performance.now(),
  })
}

const argumentsCheck = check.object<{
  readonly store: ExportStore
  readonly listParts: ListParts
  readonly options: PartsOptions
}>('(store, listParts, { aheadMs?, encodedParts?, keys? })', {
  store: storeCheck<ExportStore>(),
  listParts: check.fn<ListParts>('(key, signal) => Promise<Part[]>'),
  options: check.object<PartsOptions>('{ aheadMs?, encodedParts?, keys? }', {
    aheadMs: check.millisecondsOrNone('the time to open a part', 10, 60_000).optional(),
    encodedParts: check.oneOf('refuse', 'file').optional(),
    keys: keys.optional(),
  }),
})

/**
 * Describes the joined object, without any request. For the job that writes the record: with `size` and `validator` in the record,
 * the handler need not call `head` for ranges.
 *
 * @param parts - the parts, each with its validator
 * @throws TypeError that names the first malformed part, or if a part has no validator
 */
export function describeParts(parts: readonly Part[]): { readonly size: number; readonly validator: string } {
  const checked = checkParts(parts, 'literal')
  if (typeof checked === 'string') throw new TypeError(`describeParts: ${checked}`)
  if (!arePinned(checked)) throw new TypeError('describeParts: every part must have a validator')
  const { size, validator } = joinParts(checked)
  return { size, validator }
}
