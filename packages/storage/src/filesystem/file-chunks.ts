import { freeChunk } from '../free-chunk.ts'
import type { MemoryBudget } from '../memory-budget.ts'
import type { FileReads } from './file-reads.ts'

/**
 * Gives the chunks of a large file. At first it uses one buffer. When the chunk size allows reading ahead, it uses two: the
 * next read fills one while the reader has the other. With `borrow`, the buffers are reused.
 */
export async function* fileChunks(
  reads: FileReads,
  size: ChunkSize,
  borrow: boolean,
  now: () => number,
): AsyncGenerator<Uint8Array> {
  try {
    let spare: Uint8Array | undefined
    const buffer = (left: number): Uint8Array => {
      const again = spare?.length === size.bytes() ? spare : undefined
      spare = undefined
      return again ?? allocate(Math.min(size.bytes(), left))
    }
    let filling = buffer(reads.left())
    let reading = reads.read(filling)
    for (;;) {
      const chunk = filling.subarray(0, await reading)
      const left = reads.left()
      if (left === 0) {
        yield chunk
        if (!borrow) return
        freeChunk(filling) // no read is pending
        if (spare) freeChunk(spare)
        return
      }
      const next = size.readsAhead() ? buffer(left) : undefined
      if (next) reading = reads.read(next)
      const handed = now()
      yield chunk
      size.consumed(chunk.length, now() - handed)
      if (borrow) spare = filling
      filling = next ?? buffer(left)
      if (!next) reading = reads.read(filling)
    }
  } finally {
    reads.close()
    size.release()
  }
}

// Not from Node's shared pool: there, a chunk's ArrayBuffer would also hold bytes of other downloads.
const allocate = (bytes: number): Uint8Array => Buffer.allocUnsafeSlow(bytes)

/** Small enough that ten thousand stalled readers cost the process less than 1 GiB. */
const SMALLEST = 61_440
const LARGEST = 8 * SMALLEST
/** A quarter of the reads for a file of 1 MiB: each read costs two switches of threads. Larger ones gain nothing. */
const FIRST = 4 * SMALLEST
/** Of the memory. Stalled readers may hold it as long as they are connected. */
const SHARE_FOR_FIRST = 0.05
/**
 * More than the socket buffers of both sides hold (Linux: 4 MiB to send, some more to receive). A client that took this much has
 * really read.
 */
const PROVEN_BYTES = 5_242_880
const SLOW_READER_MS = 100

/** Decides how large the chunks of one download are. */
export interface ChunkSize {
  /** Bytes of the next chunk. */
  bytes(): number
  /** Whether the download may use two buffers. */
  readsAhead(): boolean
  /** Records a chunk: its bytes, and the milliseconds until the reader asked for the next. */
  consumed(count: number, ms: number): void
  /** Returns the memory to the budget at the end of the download. A second call does nothing. */
  release(): void
}

/**
 * Starts with chunks of 240 KiB while less than a twentieth of the memory is taken, otherwise with 60 KiB, so that stalled readers
 * hold little memory. When the reader has proved that it reads, doubles the size while the reader is fast and the process has memory
 * left.
 *
 * @param memory - shared by all downloads. The smallest chunk is not taken from it, because every download gets one
 */
export function createChunkSize(memory: MemoryBudget): ChunkSize {
  let held = memory.reserve(FIRST - SMALLEST, SHARE_FOR_FIRST) ? FIRST - SMALLEST : 0
  let bytes = SMALLEST + held
  let total = 0
  let ended = false
  const shrink = (): void => {
    memory.release(held)
    held = 0
    bytes = SMALLEST
  }
  return {
    bytes: () => bytes,
    readsAhead: () => held >= 2 * bytes,
    consumed(count, ms) {
      total += count
      if (ms >= SLOW_READER_MS) return shrink()
      if (total < PROVEN_BYTES) return
      const more = 4 * bytes - held // two buffers of twice the size
      if (ended || bytes === LARGEST || !memory.reserve(more)) return
      held += more
      bytes *= 2
    },
    release: () => {
      ended = true
      shrink()
    },
  }
}
