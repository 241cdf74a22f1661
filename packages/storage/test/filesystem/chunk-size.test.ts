import { describe, expect, test } from 'vitest'

import { type ChunkSize, createChunkSize } from '../../src/filesystem/file-chunks.ts'
import { createMemoryBudget } from '../../src/memory-budget.ts'

const KB = 1_024
const MB = 1_048_576

/** A reader that has shown that it reads, and has kept up for so many chunks since. */
function grown(size: ChunkSize, chunks: number): number {
  size.consumed(5 * MB - 1, 0)
  for (let nth = 0; nth < chunks; nth++) size.consumed(1, 0)
  return size.bytes()
}

describe('the memory of a chunk size', () => {
  test('covers two buffers, and is released once at the end', () => {
    const memory = createMemoryBudget(960 * KB)
    const size = createChunkSize(memory)
    expect(grown(size, 3)).toBe(480 * KB)
    expect(memory.reserve(1)).toBe(false)
    size.release()
    size.release()
    expect(memory.reserve(960 * KB)).toBe(true)
    expect(memory.reserve(1)).toBe(false)
  })

  test('is released when the reader is slow', () => {
    const memory = createMemoryBudget(960 * KB)
    const size = createChunkSize(memory)
    grown(size, 3)
    size.consumed(1, 100)
    expect([size.bytes(), size.readsAhead()]).toEqual([60 * KB, false])
    expect(memory.reserve(960 * KB)).toBe(true)
  })

  test('is shared: a download that finds it used up goes on with one small buffer', () => {
    const memory = createMemoryBudget(11_000 * KB)
    const [first, second, third] = [1, 2, 3].map(() => createChunkSize(memory)) as [
      ChunkSize,
      ChunkSize,
      ChunkSize,
    ]
    expect(memory.reserve((11_000 - 3 * 180 - 780) * KB)).toBe(true) // the rest is enough for one of them
    expect([first, second, third].map((size) => grown(size, 9))).toEqual([480 * KB, 240 * KB, 240 * KB])
    expect(third.readsAhead()).toBe(false)
    first.release()
    third.consumed(1, 0)
    expect([third.bytes(), third.readsAhead()]).toEqual([480 * KB, true])
  })

  test('is not reserved by a download that has ended', () => {
    const memory = createMemoryBudget(960 * KB)
    const size = createChunkSize(memory)
    size.release()
    expect(grown(size, 3)).toBe(60 * KB)
    expect(memory.reserve(960 * KB)).toBe(true)
  })

  test('is left for readers that read once a twentieth of it is taken: new downloads then start small', () => {
    const memory = createMemoryBudget(7_300 * KB)
    const sizes = [1, 2, 3].map(() => createChunkSize(memory))
    expect(sizes.map((size) => size.bytes())).toEqual([240 * KB, 240 * KB, 60 * KB])
    expect(memory.reserve(6_900 * KB)).toBe(true)
  })
})
