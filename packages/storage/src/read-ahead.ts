import type { ExportStore, GetOptions } from '@sallyport/core'

import { createMemoryBudget, type MemoryBudget } from './read-ahead/memory-budget.ts'
import { inParts, type Reach } from './read-ahead/parts-in-order.ts'

/**
 * A store in front of another one, that fetches the next parts of a download while the reader still has the last one:
 * where a single connection is slow, four are up to four times as fast.
 *
 * What fits one part is opened as it was asked for, with one request. Of more, the first part is; without a range that is
 * a plain `get`, for nobody knows the size yet, and it is closed after half a part. All others are ranges, pinned to the
 * first one's validator. A part that fails throws where its bytes end, after every byte before it.
 *
 * At most `parts` parts are under way or in memory, and no byte is asked for that lies further ahead of the reader than
 * `parts` × `partBytes`: who does not read stops it. All downloads of the process together hold 256 MiB at most; where
 * these are spent a download goes on without reading ahead. Chunks are never lent: `borrow` is not passed on.
 *
 * @param options - `parts`: 1 to 64, one connection each. `partBytes`: bytes of a part, at most 268,435,456
 * @defaultValue parts: 4; partBytes: 8,388,608
 * @throws TypeError that names the option
 */
export function createReadAheadStore(
  store: ExportStore,
  options: { readonly parts?: number; readonly partBytes?: number } = {},
): ExportStore {
  return readAhead(
    store,
    { parts: options.parts ?? 4, partBytes: options.partBytes ?? 8_388_608 },
    processBudget,
  )
}

const PROCESS_BYTES = 268_435_456
const processBudget = createMemoryBudget(PROCESS_BYTES)

/** The store of {@link createReadAheadStore}, on a given budget. */
export function readAhead(store: ExportStore, reach: Reach, budget: MemoryBudget): ExportStore {
  requireWhole('parts', reach.parts, 64)
  requireWhole('partBytes', reach.partBytes, PROCESS_BYTES)
  const { partBytes } = reach

  return {
    head: (key, signal) => store.head(key, signal),
    get: async (key, { range, ifMatch }, signal) => {
      const asked: GetOptions = { ...(range && { range }), ...(ifMatch !== undefined && { ifMatch }) }
      const fits = range !== undefined && range.last - range.first < partBytes
      if (fits || !budget.take(partBytes)) return store.get(key, asked, signal)
      const give = (): void => budget.give(partBytes)
      try {
        const first = range && { first: range.first, last: range.first + partBytes - 1 }
        const object = await store.get(key, first ? { ...asked, range: first } : asked, signal)
        if (object && object.info.size > partBytes)
          return inParts({ store, key, object, range, budget, give }, reach)
        give()
        return object
      } catch (error) {
        give()
        throw error
      }
    },
  }
}

function requireWhole(option: string, value: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return
  throw new TypeError(`${option}: write a whole number from 1 to ${most}`)
}
