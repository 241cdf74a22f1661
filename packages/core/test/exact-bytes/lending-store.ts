import { setImmediate as turn } from 'node:timers/promises'

import type { ExportStore, GetOptions, ObjectInfo } from '../../src/ports.ts'
import { refuse } from '../../src/refusals.ts'

/** A store that takes its lending at its word. */
export interface LendingStore extends ExportStore {
  /** How often `get` was asked with `borrow`, and how often without. */
  readonly asked: { borrowed: number; owned: number }
  /** Chunks handed out so far. */
  readonly handed: () => number
}

/**
 * Lends one piece of memory for a whole read, whatever its chunks: filled anew for each, spoilt the moment the next one is
 * asked for, and again when the read is closed. A reader that does not borrow gets fresh memory.
 *
 * @param chunkSize - bytes; a size that divides nothing, so that no chunk ends where a buffer does
 */
export function lendingStore(bytes: Uint8Array, chunkSize = 10_007): LendingStore {
  const info: ObjectInfo = { size: bytes.length, validator: 'borrowed' }
  const asked = { borrowed: 0, owned: 0 }
  let handed = 0
  return {
    asked,
    handed: () => handed,
    head: async () => info,
    async get(_, { range, ifMatch, borrow = false }: GetOptions) {
      if (ifMatch !== undefined && ifMatch !== info.validator) refuse('object_changed')
      if (borrow) asked.borrowed += 1
      else asked.owned += 1
      const { first, last } = range ?? { first: 0, last: bytes.length - 1 }
      const memory = Buffer.alloc(chunkSize)
      async function* read(): AsyncGenerator<Uint8Array> {
        for (let at = first; at <= last; at += chunkSize) {
          await turn()
          const chunk = bytes.subarray(at, Math.min(at + chunkSize, last + 1))
          const given = borrow ? memory.subarray(0, chunk.length) : Buffer.alloc(chunk.length)
          given.set(chunk)
          handed += 1
          yield given
        }
      }
      const chunks = read()
      return {
        info,
        chunks: {
          [Symbol.asyncIterator]: () => ({
            next: () => {
              memory.fill(0xa5)
              return chunks.next()
            },
          }),
        },
        close: () => void memory.fill(0x5a),
      }
    },
  }
}
