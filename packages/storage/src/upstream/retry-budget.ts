/** The window in which opens and retries are counted, in milliseconds. */
const windowMs = 10_000
const least = 10

/** Limits how many requests to one store are retried. */
export interface RetryBudget {
  /** Counts an open. */
  opened(): void
  /** Takes one retry; `false`: the budget is used up, and nothing is taken. */
  spend(): boolean
}

/**
 * Allows retries for a tenth of the opens of the last 10 s, and at least 10 retries. Only retries of opens count here. The core
 * paces the reopening of running downloads.
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

/** Counts per second, so that its memory does not grow with the traffic. */
function createTally(now: () => number): { add(): void; count(): number } {
  const seconds = new Map<number, number>()
  const current = (): number => Math.floor(now() / 1000)
  const forget = (second: number): void => {
    for (const old of seconds.keys()) if (old <= second - windowMs / 1000) seconds.delete(old)
  }
  return {
    add: () => {
      const second = current()
      const soFar = seconds.get(second)
      if (soFar === undefined) forget(second)
      seconds.set(second, (soFar ?? 0) + 1)
    },
    count: () => {
      forget(current())
      return [...seconds.values()].reduce((sum, some) => sum + some, 0)
    },
  }
}
