import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'

import { type ExportStore, type OpenObject, refuse } from '@sallyport/core'

import type { Manner } from './exports.ts'

/** A store with faults, which counts its open objects. */
export interface BrokenStore extends ExportStore {
  openNow(): number
}

/** The fraction of reads and opens that fail, for a manner with faults. */
const broken = 0.3
const failureMs = 50

/** Adds faults to a store, by the manner of each key: reads that are cut, reads that stall, opens that are refused. */
export function createBrokenStore(store: ExportStore, mannerOf: (key: string) => Manner): BrokenStore {
  const open = new Set<OpenObject>()
  return {
    openNow: () => open.size,
    head: (key, signal) => store.head(key, signal),
    get: async (key, options, signal) => {
      const manner = mannerOf(key)
      if (manner === 'failing' && Math.random() < broken) {
        await delay(failureMs, undefined, { signal })
        refuse('unavailable')
      }
      const object = await store.get(key, options, signal)
      if (!object) return undefined
      open.add(object)
      const closing = new AbortController()
      const breaks = (manner === 'cutting' || manner === 'stalling') && Math.random() < broken
      const limit = breaks ? Math.floor(Math.random() * object.info.size) : Infinity
      return {
        info: object.info,
        chunks: readUntil(object, limit, manner === 'stalling' ? closing.signal : undefined),
        close: () => {
          open.delete(object)
          closing.abort()
          object.close()
        },
      }
    },
  }
}

/** Gives the chunks of an object up to a number of bytes. Then the read fails; with a signal, only when that fires. */
async function* readUntil(
  { chunks }: OpenObject,
  limit: number,
  silentUntil: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let read = 0
  for await (const chunk of chunks) {
    if (read + chunk.length > limit) {
      if (silentUntil && !silentUntil.aborted) await once(silentUntil, 'abort')
      refuse('unavailable')
    }
    read += chunk.length
    yield chunk
  }
}
