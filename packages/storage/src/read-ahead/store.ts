import type { ExportStore, GetOptions } from '@sallyport/core'

import type { MemoryBudget } from '../memory-budget.ts'
import { inParts, type ReadAheadOptions } from './parts-in-order.ts'

/** Opens the store of `createReadAheadStore`, with the memory budget passed in. */
export function readAhead(store: ExportStore, options: ReadAheadOptions, budget: MemoryBudget): ExportStore {
  const { partBytes } = options

  const { connections, onTrouble } = store
  return {
    ...(connections && {
      connections: { pool: connections.pool, perDownload: connections.perDownload * options.parts },
    }),
    ...(onTrouble && { onTrouble }),
    head: (key, signal) => store.head(key, signal),
    get: async (key, { range, ifMatch }, signal) => {
      const asked: GetOptions = { ...(range && { range }), ...(ifMatch !== undefined && { ifMatch }) }
      const fits = range !== undefined && range.last - range.first < partBytes
      if (fits || !budget.reserve(partBytes)) return store.get(key, asked, signal)
      const release = (): void => budget.release(partBytes)
      try {
        const first = range && { first: range.first, last: range.first + partBytes - 1 }
        const object = await store.get(key, first ? { ...asked, range: first } : asked, signal)
        if (object && object.info.size > partBytes)
          return inParts({ store, key, object, range, budget, release }, options)
        release()
        return object
      } catch (error) {
        release()
        throw error
      }
    },
  }
}
