import { describe, expect, test } from 'vitest'

import { alternate } from '../../src/filesystem/file-chunks.ts'
import type { FileReads } from '../../src/filesystem/file-reads.ts'

const KB = 1_024
const MB = 1_048_576

/** Reads that fill whatever they are given, and remember it. */
function plenty(
  size: number,
): FileReads & { readonly given: Uint8Array[]; readonly isClosed: () => boolean } {
  const given: Uint8Array[] = []
  let left = size
  let closed = false
  return {
    given,
    isClosed: () => closed,
    left: () => left,
    async read(into) {
      given.push(into)
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
  for await (const chunk of alternate(reads, borrow, () => clock)) {
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
  test('stays small for the first 4 MiB, then doubles for a reader that keeps up', async () => {
    expect(runs(await take(plenty(8 * MB), true, () => 99))).toEqual([
      '129×32',
      '1×64',
      '1×128',
      '15×256',
      '1×32',
    ])
  })

  test('falls back as soon as the reader is slow', async () => {
    const lengths = await take(plenty(7 * MB), true, (at) => (at > 5 * MB ? 100 : 0))
    expect(runs(lengths)).toEqual(['129×32', '1×64', '1×128', '6×256', '41×32'])
  })

  test('never asks for more memory than is left', async () => {
    const reads = plenty(100 * KB)
    expect(await take(reads, false, () => 0)).toEqual([32, 32, 32, 4])
    expect(reads.given.map((buffer) => buffer.length / KB)).toEqual([32, 32, 32, 4])
    expect(reads.given.map((buffer) => buffer.buffer.byteLength / KB)).toEqual([32, 32, 32, 4])
  })
})

describe('the memory of chunks', () => {
  test('a borrower is lent two buffers in turn', async () => {
    const reads = plenty(320 * KB)
    await take(reads, true, () => 0)
    expect(new Set(reads.given.map(({ buffer }) => buffer)).size).toBe(2)
  })

  test('the next read never goes into the chunk that is lent', async () => {
    const reads = plenty(5 * MB)
    const shared: boolean[] = []
    for await (const chunk of alternate(reads, true, () => 0))
      shared.push(reads.given.at(-1)?.buffer === chunk.buffer)
    // With the last chunk no read is running any more.
    expect(shared).toEqual(shared.map((_, nth) => nth === shared.length - 1))
  })

  test('anybody else gets a fresh one each time', async () => {
    const reads = plenty(320 * KB)
    await take(reads, false, () => 0)
    expect(new Set(reads.given.map(({ buffer }) => buffer)).size).toBe(10)
  })
})

test('a loop that is left closes the reads', async () => {
  const reads = plenty(MB)
  for await (const chunk of alternate(reads, true, () => 0)) if (chunk.length > 0) break
  expect(reads.isClosed()).toBe(true)
})
