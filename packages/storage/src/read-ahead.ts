import type { ExportStore } from '@sallyport/core'
import * as check from '@sallyport/core/check-options'

import { store as storeCheck } from './check-options.ts'
import { processMemory } from './memory-budget.ts'
import { readAhead } from './read-ahead/store.ts'

/**
 * Wraps a store, and fetches the next parts of a download while the reader still has the last one. Where a single connection
 * is slow, four are up to four times as fast.
 *
 * A range that fits one part is one request. Otherwise the first part is opened first: without a range by a plain `get`,
 * because the size is not known yet, which is closed after three quarters of a part. The later parts are ranges, pinned to
 * the first part's validator. If a part fails, the reader gets every byte before the failure, and then the error.
 *
 * At most `parts` parts are being fetched or in memory, and no byte is fetched that is further ahead of the reader than
 * `parts` × `partBytes`: a reader that stops, stops the fetching. (The bytes in the network when a plain first answer is
 * closed count as a quarter of a part; there can be more if the process is too busy to read.) All downloads of the process
 * together hold at most 256 MiB. When these are used up, a download goes on without reading ahead. `borrow` is not passed
 * on, so chunks do not share memory.
 *
 * @param options - `parts`: 1 to 64, one connection each. `partBytes`: bytes of a part, at most 268,435,456
 * @defaultValue parts: 4; partBytes: 8,388,608
 * @throws TypeError that names each wrong option
 */
export function createReadAheadStore(
  store: ExportStore,
  options: { readonly parts?: number; readonly partBytes?: number } = {},
): ExportStore {
  check.checkOptions('createReadAheadStore', { store, ...options }, readAheadOptions)
  return readAhead(
    store,
    { parts: options.parts ?? 4, partBytes: options.partBytes ?? 8_388_608 },
    processMemory,
  )
}

const readAheadOptions = check.object<{
  readonly store: ExportStore
  readonly parts?: number
  readonly partBytes?: number
}>('(store, { parts?, partBytes? })', {
  store: storeCheck<ExportStore>(),
  parts: check.whole('parts', 1, 64).optional(),
  partBytes: check.whole('bytes', 1, 268_435_456).optional(),
})
