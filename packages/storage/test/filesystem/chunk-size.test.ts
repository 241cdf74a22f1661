import { describe, expect, test } from 'vitest'

import { type ChunkSize, createChunkSize } from '../../src/filesystem/file-chunks.ts'
import { createMemoryBudget } from '../../src/memory-budget.ts'

const KB = 1_024
const MB = 1_048_576

/** A reader that has shown that it reads, and has kept up for so many chunks since. */
function grown(size: ChunkSize, chunks: number): number {
  size.taken(5 * MB - 1, 0)
  for (let nth = 0; nth < chunks; nth++) size.taken(1, 0)
  return size.bytes()
}

describe('the memory that chunks may take', () => {
  test('is what two buffers of the size hold, given back at the end, once', () => {
    const memory = createMemoryBudget(960 * KB)
    const size = createChunkSize(memory)
    expect(grown(size, 3)).toBe(480 * KB)
    expect(memory.take(1)).toBe(false)
    size.end()
    size.end()
    expect(memory.take(960 * KB)).toBe(true)
    expect(memory.take(1)).toBe(false)
  })

  test('is given back when the reader is slow', () => {
    const memory = createMemoryBudget(960 * KB)
    const size = createChunkSize(memory)
    grown(size, 3)
    size.taken(1, 100)
    expect([size.bytes(), size.readsAhead()]).toEqual([60 * KB, false])
    expect(memory.take(960 * KB)).toBe(true)
  })

  test('is shared: who finds it spent goes on with one small buffer', () => {
    const memory = createMemoryBudget(1_210 * KB)
    const [first, second, third] = [1, 2, 3].map(() => createChunkSize(memory)) as [
      ChunkSize,
      ChunkSize,
      ChunkSize,
    ]
    expect([first, second, third].map((size) => grown(size, 9))).toEqual([480 * KB, 120 * KB, 60 * KB])
    expect(third.readsAhead()).toBe(false)
    first.end()
    third.taken(1, 0)
    expect(third.bytes()).toBe(120 * KB)
  })

  test('is taken by none that has ended', () => {
    const memory = createMemoryBudget(960 * KB)
    const size = createChunkSize(memory)
    size.end()
    expect(grown(size, 3)).toBe(60 * KB)
    expect(memory.take(960 * KB)).toBe(true)
  })
})
