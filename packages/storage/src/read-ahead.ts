import type { ExportStore } from '@sallyport/core'
import * as check from '@sallyport/core/check-options'

import { store as storeCheck } from './check-options.ts'
import { processMemory } from './memory-budget.ts'
import { readAhead } from './read-ahead/store.ts'

/**
 * Wraps a store, and fetches the next parts of a download before the reader asks for them. If a single connection is slow, four
 * connections are up to four times as fast.
 *
 * A range that fits into one part is one request. Otherwise the store opens the first part first. Without a range it does so by
 * a plain `get`, because the size is not known yet, and closes that response after three quarters of a part. The later parts
 * are ranges, pinned by the first part's validator. If a part fails, the reader gets every byte before the failure, and then
 * the error.
 *
 * At most `parts` parts are being fetched or in memory. No byte is fetched that is more than `parts` × `partBytes` ahead of the
 * reader, so a stalled reader stops the fetching. (A quarter of a part is reserved for the bytes that are in the network when
 * the plain response is closed; there can be more if the process is too busy to read.) All downloads of the process together
 * hold at most 256 MiB. When these are used up, a download continues without reading ahead. The store does not pass `borrow` on,
 * so chunks do not share memory.
 *
 * @param options - `parts`: how many parts, 1 to 64, each on its own connection. `partBytes`: bytes of a part, 1 to 268,435,456
 * @defaultValue parts: 4; partBytes: 8,388,608
 * @throws TypeError that names each wrong option
 */
export function createReadAheadStore(
  store: ExportStore,
  options: { readonly parts?: number; readonly partBytes?: number } = {},
): ExportStore {
  check.checkOptions('createReadAheadStore', { store, options }, argumentsCheck)
  return readAhead(
    store,
    { parts: options.parts ?? 4, partBytes: options.partBytes ?? 8_388_608 },
    processMemory,
  )
}

type Options = NonNullable<Parameters<typeof createReadAheadStore>[1]>
const argumentsCheck = check.object<{ readonly store: ExportStore; readonly options: Options }>(
  '(store, { parts?, partBytes? })',
  {
    store: storeCheck<ExportStore>(),
    options: check.object<Options>('{ parts?, partBytes? }', {
      parts: check.whole('parts', 1, 64).optional(),
      partBytes: check.whole('bytes', 1, 268_435_456).optional(),
    }),
  },
)
