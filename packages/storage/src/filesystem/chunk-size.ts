import type { MemoryBudget } from '../memory-budget.ts'

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
