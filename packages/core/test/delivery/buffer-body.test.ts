import { describe, expect, test } from 'vitest'

import { objectChunks, measureStoreSpeed } from '../../src/delivery/object-chunks.ts'
import { bufferBody } from '../../src/delivery/start-delivery.ts'
import { chunksOf } from './sources.ts'

const never = new AbortController().signal
const info = { size: 10, validator: 'one' }
const taken = (chunks: AsyncIterable<Uint8Array>, length: number, borrow: boolean): Promise<Uint8Array> =>
  bufferBody(
    length,
    objectChunks(
      { info, chunks, close: () => undefined },
      measureStoreSpeed(1_000, { bytes: 1, perMs: 60_000 }),
      never,
    ),
    borrow,
  )

const expected = Buffer.from(Uint8Array.from({ length: 10 }, (_, n) => n))

describe('a small body', () => {
  test.each([[[10]], [[4, 6]], [[1, 1, 8]]])('is put together from chunks of %j', async (lengths) => {
    for (const borrow of [true, false])
      expect(Buffer.from(await taken(chunksOf(...lengths), 10, borrow))).toEqual(expected)
  })

  test('is copied if it is borrowed, and not if it is one owned chunk', async () => {
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
