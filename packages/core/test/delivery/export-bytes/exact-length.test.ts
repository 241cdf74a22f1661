import { describe, expect, test } from 'vitest'

import { exactLength } from '../../../src/delivery/export-bytes.ts'
import { chunksOf, drain } from '../sources.ts'

const outcome = async (length: number, ...lengths: number[]): Promise<[number[], unknown]> => {
  const { lengths: seen, error } = await drain(exactLength(length, chunksOf(...lengths), false))
  return [[...seen], error instanceof Error ? error.message : undefined]
}

describe('gives exactly the length, or throws', () => {
  test.each<[string, number, number[], number[], string | undefined]>([
    ['as many as promised', 10, [4, 4, 2], [4, 4, 2], undefined],
    ['in one chunk', 10, [10], [10], undefined],
    ['none, of none', 0, [], [], undefined],
    ['fewer', 10, [4, 4], [4, 4], 'store_cut'],
    ['none, of some', 10, [], [], 'store_cut'],
    ['more, in the last chunk', 10, [4, 7], [4], 'store_overran'],
    ['more, after the last chunk', 10, [4, 6, 1], [4], 'store_overran'],
    ['some, of none', 0, [1], [], 'store_overran'],
  ])('%s', async (_, length, lengths, seen, error) => {
    expect(await outcome(length, ...lengths)).toEqual([seen, error])
  })

  test('the last chunk is kept back until the source has ended without an error', async () => {
    async function* sound(): AsyncGenerator<Uint8Array, void, undefined> {
      yield* chunksOf(4, 6)
      throw new Error('the checksum is wrong')
    }
    const { lengths, error } = await drain(exactLength(10, sound(), false))
    expect([lengths, error]).toEqual([[4], new Error('the checksum is wrong')])
  })

  test('a borrowed last chunk is copied, because the source is read once more before it is given', async () => {
    async function* lending(): AsyncGenerator<Uint8Array, void, undefined> {
      const memory = Uint8Array.of(1, 2, 3)
      yield memory
      memory.fill(0)
    }
    expect((await drain(exactLength(3, lending(), true))).bytes).toEqual(Buffer.of(1, 2, 3))
    expect((await drain(exactLength(3, lending(), false))).bytes).toEqual(Buffer.of(0, 0, 0))
  })
})
