import type { ExportStore } from '@sallyport/core'
import { positionCoded, type StoreFixture } from '@sallyport/core/testing'

import { createPartsStore, type Part } from '../../src/parts.ts'

const signal = new AbortController().signal

/**
 * A parts store on another store. Every object that is put becomes five: an empty one, two that are cut at the beginning, at the end or
 * at both, one with no byte that belongs to the export, and one that is whole.
 *
 * @param through - the store that the parts store wraps. Absent: that of the fixture
 * @param unpinned - the places of the parts that have no validator in the list
 */
export function partsFixture(
  fixture: StoreFixture,
  through: ExportStore = fixture.store,
  unpinned: readonly number[] = [0, 2, 4],
): StoreFixture {
  const lists = new Map<string, readonly Part[]>()
  return {
    store: createPartsStore(through, async (key) => lists.get(key)),
    put: async (key, bytes) => {
      const third = Math.ceil(bytes.length / 3)
      const cuts = [
        { from: 0, to: 0, before: 0, after: 0 },
        { from: 0, to: third, before: 37, after: 0 },
        { from: third, to: third, before: 11, after: 13 },
        { from: third, to: 2 * third, before: 5, after: 7 },
        { from: 2 * third, to: bytes.length, before: 0, after: 0 },
      ]
      const parts = await Promise.all(
        cuts.map(async ({ from, to, before, after }, nth): Promise<Part> => {
          const own = bytes.subarray(from, to)
          const object = Buffer.concat([positionCoded(before, 7), own, positionCoded(after, 8)])
          const name = `${key}-parts/${nth}`
          await fixture.put(name, object)
          const validator = unpinned.includes(nth)
            ? undefined
            : (await fixture.store.head(name, signal))?.validator
          return { key: name, size: object.length, validator, first: before, last: before + own.length - 1 }
        }),
      )
      lists.set(key, parts)
    },
    remove: async (key) => {
      await Promise.all((lists.get(key) ?? []).map((part) => fixture.remove(part.key)))
      lists.delete(key)
    },
  }
}
