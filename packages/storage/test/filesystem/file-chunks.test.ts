import { describe, expect, test } from 'vitest'

import { createChunkSize, fileChunks } from '../../src/filesystem/file-chunks.ts'
import type { FileReads } from '../../src/filesystem/file-reads.ts'
import { createMemoryBudget, type MemoryBudget } from '../../src/memory-budget.ts'

const KB = 1_024
const MB = 1_048_576

const plentyOfMemory = (): MemoryBudget => createMemoryBudget(100 * MB)

/** Reads that fill whatever they are given, and remember it. */
function plenty(size: number): FileReads & {
  readonly given: Uint8Array[]
  /** Bytes of each, when it was given. */
  readonly lengths: number[]
  readonly isClosed: () => boolean
} {
  const given: Uint8Array[] = []
  const lengths: number[] = []
  let left = size
  let closed = false
  return {
    given,
    lengths,
    isClosed: () => closed,
    left: () => left,
    async read(into) {
      given.push(into)
      lengths.push(into.length)
      const count = Math.min(into.length, left)
      left -= count
      return count
    },
    close: () => void (closed = true),
  }
}

/** Takes every chunk in as many milliseconds as `pace` says of its position. */
async function take(reads: FileReads, borrow: boolean, pace: (at: number) => number): Promise<number[]> {
  let clock = 0
  let at = 0
  const lengths: number[] = []
  for await (const chunk of fileChunks(reads, createChunkSize(plentyOfMemory()), borrow, () => clock)) {
    clock += pace(at)
    at += chunk.length
    lengths.push(chunk.length / KB)
  }
  return lengths
}

/** Equal lengths in a row, counted. */
function runs(lengths: readonly number[]): readonly string[] {
  const seen: { readonly length: number; times: number }[] = []
  for (const length of lengths) {
    const last = seen.at(-1)
    if (last?.length === length) last.times++
    else seen.push({ length, times: 1 })
  }
  return seen.map(({ length, times }) => `${times}×${length}`)
}

describe('the size of chunks', () => {
  test('stays small for more bytes than socket buffers hold, then doubles for a fast reader', async () => {
    const [small = '', ...grown] = runs(await take(plenty(16 * MB), true, () => 99))
    expect(grown[0]).toMatch(/^\d+×480$/)
    const [times = 0, length] = small.split('×').map(Number)
    expect(length).toBe(240)
    expect((times * 240) / 1_024).toBeGreaterThan(4)
    expect((times * 240) / 1_024).toBeLessThan(8)
  })

  test('returns to the smallest as soon as the reader is slow', async () => {
    const lengths = await take(plenty(16 * MB), true, (at) => (at > 10 * MB ? 100 : 0))
    const sizes = runs(lengths).map((run) => run.split('×')[1])
    expect(sizes.slice(0, 4)).toEqual(['240', '480', '60', '4'])
    const late = lengths.slice(lengths.lastIndexOf(480) + 1)
    expect(late.length).toBeGreaterThan(15)
  })

  test('never reserves more memory than is left', async () => {
    const reads = plenty(280 * KB)
    expect(await take(reads, false, () => 0)).toEqual([240, 40])
    expect(reads.given.map((buffer) => buffer.length / KB)).toEqual([240, 40])
    expect(reads.given.map((buffer) => buffer.buffer.byteLength / KB)).toEqual([240, 40])
  })
})

describe('the memory of chunks', () => {
  test('a borrower gets one buffer, and two in turn once it has proved that it reads', async () => {
    const little = plenty(600 * KB)
    await take(little, true, () => 0)
    expect(new Set(little.given.map(({ buffer }) => buffer)).size).toBe(1)
    const much = plenty(16 * MB)
    await take(much, true, () => 0)
    const large = much.given.slice(-10).map(({ buffer }) => buffer)
    expect(new Set(large).size).toBe(2)
    expect(much.lengths.slice(-10)).toEqual(Array(10).fill(480 * KB))
  })

  test('a borrowed buffer is freed at the end, and never while a read may fill it', async () => {
    const reads = plenty(16 * MB)
    await take(reads, true, () => 0)
    expect(reads.given.slice(-10).map(({ buffer }) => buffer.byteLength)).toEqual(Array(10).fill(0))
    const left = plenty(16 * MB)
    for await (const chunk of fileChunks(left, createChunkSize(plentyOfMemory()), true, () => 0)) {
      expect(chunk.length).toBeGreaterThan(0)
      break
    }
    expect(left.given.map(({ buffer }) => buffer.byteLength)).toEqual(left.lengths)
    const kept = plenty(600 * KB)
    await take(kept, false, () => 0)
    expect(kept.given.map(({ buffer }) => buffer.byteLength)).toEqual(kept.lengths)
  })

  test('the next read never fills the chunk that the borrower has', async () => {
    const reads = plenty(9 * MB)
    const running: boolean[] = []
    for await (const chunk of fileChunks(reads, createChunkSize(plentyOfMemory()), true, () => 0))
      running.push(reads.given.at(-1)?.buffer !== chunk.buffer)
    // At first none is running, and with the last chunk none any more.
    const first = running.indexOf(true)
    expect((first * 240) / 1_024).toBeGreaterThan(4)
    expect(running.slice(first, -1)).toEqual(running.slice(first, -1).map(() => true))
    expect(running.at(-1)).toBe(false)
  })

  test('without borrow, every chunk has a new buffer', async () => {
    const reads = plenty(1_200 * KB)
    await take(reads, false, () => 0)
    expect(new Set(reads.given.map(({ buffer }) => buffer)).size).toBe(5)
  })
})

test('leaving the loop closes the reads', async () => {
  const reads = plenty(MB)
  for await (const chunk of fileChunks(reads, createChunkSize(plentyOfMemory()), true, () => 0))
    if (chunk.length > 0) break
  expect(reads.isClosed()).toBe(true)
})
