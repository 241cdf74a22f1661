/** Speed is measured over at least this time, in milliseconds, because the first chunks of a download often wait in memory already. */
const LEAST_MS = 100

/** How fast a download goes, and how long its store takes to open a part. */
export interface Pace {
  /** Counts bytes that were taken. */
  readonly took: (bytes: number) => void
  /** Begins a part. The time since the last call of `waits` does not count as time of the download. */
  readonly begins: () => void
  /** Begins to wait for the store to open a part. */
  readonly waits: () => void
  /** Counts an opening that took this long, in milliseconds. */
  readonly opened: (ms: number) => void
  /** Whether so many bytes will take at most `ms` milliseconds. */
  readonly endsWithin: (bytes: number, ms: number) => boolean
  /**
   * Whether so many bytes will take at most twice the time to open a part, and at most `ms` milliseconds. Twice, because the next
   * opening may take longer than the last ones.
   */
  readonly endsWithinOpening: (bytes: number, ms: number) => boolean
}

/**
 * Measures a download over the current part and the time before it, about the last 100 ms or the last part.
 *
 * @param now - milliseconds of a monotonic clock
 * @param firstOpenMs - how long the first opening took, in milliseconds
 */
export function measurePace(now: () => number, firstOpenMs: number): Pace {
  let openMs = firstOpenMs
  let former = { bytes: 0, ms: 0 }
  let bytes = 0
  let begunAt = now()
  let waitsSince = begunAt

  const takesAtMost = (left: number, ms: number, leastMs: number): boolean =>
    left * Math.max(leastMs, former.ms + now() - begunAt) <= (former.bytes + bytes) * ms

  return {
    took: (taken) => (bytes += taken),
    begins: () => {
      const elapsed = waitsSince - begunAt
      begunAt = now() - elapsed
      if (elapsed < LEAST_MS) return
      former = { bytes, ms: elapsed }
      bytes = 0
      begunAt = now()
    },
    waits: () => (waitsSince = now()),
    opened: (ms) => (openMs = (openMs + ms) / 2),
    endsWithin: (left, ms) => takesAtMost(left, ms, LEAST_MS),
    endsWithinOpening: (left, ms) => takesAtMost(left, Math.min(2 * openMs, ms), openMs),
  }
}
