/** Milliseconds after which opens and retries are forgotten. */
const windowMs = 10_000
const least = 10

/** How many requests to one store may be sent a second time. */
export interface RetryBudget {
  /** Counts an open. */
  opened(): void
  /** Takes one retry; `false`: the budget is used up, and nothing is taken. */
  spend(): boolean
}

/**
 * Allows retries for a tenth of the opens of the last 10 s, and at least 10. These are immediate second tries. Opening an object
 * again in mid-download has a pace of its own, in the core.
 *
 * @param now - milliseconds of a monotonic clock
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
    for (const old of seconds.keys()) if (old <= second - windowMs / 1000) seconds.delete(old)
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
