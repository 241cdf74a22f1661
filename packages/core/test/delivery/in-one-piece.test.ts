import { describe, expect, test } from 'vitest'

import { inOnePiece } from '../../src/delivery/in-one-piece.ts'
import { objectChunks } from '../../src/delivery/object-chunks.ts'
import { createStoreFloor } from '../../src/delivery/store-floor.ts'
import { chunksOf } from './sources.ts'

const never = new AbortController().signal
const info = { size: 10, validator: 'one' }
const taken = (chunks: AsyncIterable<Uint8Array>, length: number, lent: boolean): Promise<Uint8Array> =>
  inOnePiece(
    length,
    objectChunks(
      { info, chunks, close: () => undefined },
      createStoreFloor(1_000, { bytes: 1, perMs: 60_000 }),
      never,
    ),
    lent,
  )

const expected = Buffer.from(Uint8Array.from({ length: 10 }, (_, n) => n))

describe('a small body', () => {
  test.each([[[10]], [[4, 6]], [[1, 1, 8]]])('is put together, of chunks of %j', async (lengths) => {
    for (const lent of [true, false])
      expect(Buffer.from(await taken(chunksOf(...lengths), 10, lent))).toEqual(expected)
  })

  test('that is lent is copied; one that is whole and owned is not', async () => {
    const memory = Uint8Array.of(1, 2, 3)
    const once = async function* once(): AsyncGenerator<Uint8Array> {
      yield memory
    }
    expect(await taken(once(), 3, false)).toBe(memory)
    const copy = await taken(once(), 3, true)
    memory.fill(0)
    expect(copy).toEqual(Uint8Array.of(1, 2, 3))
  })

  test.each([
    [[], 'store_cut'],
    [[4, 5], 'store_cut'],
    [[11], 'store_overran'],
    [[10, 1], 'store_overran'],
  ])('of chunks of %j is %s', async (lengths, outcome) => {
    await expect(taken(chunksOf(...lengths), 10, false)).rejects.toMatchObject({ outcome })
  })
})
