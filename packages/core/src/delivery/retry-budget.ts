/** Milliseconds after which a retry is forgotten: who waits so long for one and gets none is one of too many. */
export const retryWindowMs = 10_000
const least = 10

/** What all who ask one store may try again together. */
export interface RetryBudget {
  /** Counts an open. */
  opened(): void
  /** Takes one retry; `false`: spent, nothing taken. */
  spend(): boolean
}

/**
 * Keeps retries from becoming a storm: they are a tenth of the opens of the last 10 s, and at least 10 are allowed.
 *
 * @param now - milliseconds of a clock that never goes back
 */
export function createRetryBudget(now: () => number): RetryBudget {
  const opens = createTally(now)
  const retries = createTally(now)
  return {
    opened: () => opens.add(),
    spend: () => {
      if (retries.count() >= Math.max(least, opens.count() / 10)) return false
      retries.add()
      return true
    },
  }
}

/** Counts by whole seconds, so that its cost does not grow with the traffic. */
function createTally(now: () => number): { add(): void; count(): number } {
  const seconds = new Map<number, number>()
  const current = (): number => Math.floor(now() / 1000)
  const forget = (second: number): void => {
    for (const old of seconds.keys()) if (old <= second - retryWindowMs / 1000) seconds.delete(old)
  }
  return {
    add: () => {
      const second = current()
      const sofar = seconds.get(second)
      if (sofar === undefined) forget(second)
      seconds.set(second, (sofar ?? 0) + 1)
    },
    count: () => {
      forget(current())
      return [...seconds.values()].reduce((sum, some) => sum + some, 0)
    },
  }
}
