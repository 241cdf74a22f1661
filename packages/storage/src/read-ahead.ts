import type { ExportStore } from '@sallyport/core'
import * as check from '@sallyport/core/check-options'

import { store as storeCheck } from './check-options.ts'
import { processMemory } from './memory-budget.ts'
import { readAhead } from './read-ahead/store.ts'

/**
 * A store in front of another one, that fetches the next parts of a download while the reader still has the last one:
 * where a single connection is slow, four are up to four times as fast.
 *
 * What fits one part is opened as it was asked for, with one request. Of more, the first part is; without a range that is
 * a plain `get`, for nobody knows the size yet, and it is closed after three quarters of a part. All others are ranges,
 * pinned to the first one's validator. A part that fails throws where its bytes end, after every byte before it.
 *
 * At most `parts` parts are under way or in memory, and no byte is asked for that lies further ahead of the reader than
 * `parts` × `partBytes`: who does not read stops it. (What the network holds of a plain first answer when it is closed is
 * counted as a quarter of a part; it can be more where the process is too busy to read.) All downloads of the process
 * together hold 256 MiB at most; where these are spent a download goes on without reading ahead. Chunks are never lent:
 * `borrow` is not passed on.
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
