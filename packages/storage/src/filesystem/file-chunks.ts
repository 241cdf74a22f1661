import type { MemoryBudget } from '../memory-budget.ts'
import type { FileReads } from './file-reads.ts'

/**
 * The chunks of a large file. At first there is one buffer, read into again when the reader is done with it. Where the size
 * allows to read ahead, two change places, the next read running while the reader has this chunk.
 */
export async function* alternate(
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
        return
      }
      const next = size.readsAhead() ? buffer(left) : undefined
      if (next) reading = reads.read(next)
      const handed = now()
      yield chunk
      size.taken(chunk.length, now() - handed)
      if (borrow) spare = filling
      filling = next ?? buffer(left)
      if (!next) reading = reads.read(filling)
    }
  } finally {
    reads.close()
    size.end()
  }
}

// Never out of Node's shared pool: a chunk's ArrayBuffer would then hold the bytes of others.
const allocate = (bytes: number): Uint8Array => Buffer.allocUnsafeSlow(bytes)

/** Ten thousand readers that stop are to cost a process less than 1 GiB, all told. */
const SMALLEST = 61_440
const LARGEST = 8 * SMALLEST
/** More than two kernels take for a reader that takes nothing: on Linux 4 MiB for the sender (`tcp_wmem`), and a little for the reader. */
const PROOF = 5_242_880
const PATIENCE_MS = 100

/** How large the chunks of one download are. */
export interface ChunkSize {
  /** Bytes of the next. */
  bytes(): number
  /** Whether two buffers may be held, so that one is read into while the reader has the other. */
  readsAhead(): boolean
  /** Told of each chunk: how many bytes the reader was given, and for how many milliseconds it had them. */
  taken(count: number, ms: number): void
  /** The download holds nothing any more. Twice is once. */
  end(): void
}

/**
 * Small until the reader has shown that it reads, then growing while it keeps up and the process has memory left: one that
 * stops must hold little.
 *
 * @param memory - shared by all downloads; the smallest chunk is not counted there, for nobody is refused it
 */
export function createChunkSize(memory: MemoryBudget): ChunkSize {
  let bytes = SMALLEST
  let total = 0
  let held = 0
  let ended = false
  const shrink = (): void => {
    memory.give(held)
    held = 0
    bytes = SMALLEST
  }
  return {
    bytes: () => bytes,
    readsAhead: () => bytes > SMALLEST,
    taken(count, ms) {
      total += count
      if (total < PROOF || ms >= PATIENCE_MS) return shrink()
      const more = 4 * bytes - held // two buffers of twice the size
      if (ended || bytes === LARGEST || !memory.take(more)) return
      held += more
      bytes *= 2
    },
    end: () => {
      ended = true
      shrink()
    },
  }
}
