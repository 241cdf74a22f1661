const WINDOW_MS = 10_000
const LEAST = 10

/** What keeps retries from becoming a storm: of all that share it, a tenth of the opens of the last ten seconds, at least 10. */
export interface RetryBudget {
  /** Counts an open. */
  opened(): void
  /** Takes one retry; `false`: spent. */
  spend(): boolean
}

/** @param now - milliseconds of a clock that never goes back */
export function createRetryBudget(now: () => number): RetryBudget {
  const opens = createTally(now)
  const retries = createTally(now)
  return {
    opened: () => opens.add(),
    spend: () => {
      if (retries.count() >= Math.max(LEAST, opens.count() / 10)) return false
      retries.add()
      return true
    },
  }
}

/** Counts by whole seconds, so that its cost does not grow with the traffic. */
function createTally(now: () => number): { add(): void; count(): number } {
  const seconds = new Map<number, number>()
  const current = (): number => {
    const second = Math.floor(now() / 1000)
    for (const old of seconds.keys()) if (old <= second - WINDOW_MS / 1000) seconds.delete(old)
    return second
  }
  return {
    add: () => {
      const second = current()
      seconds.set(second, (seconds.get(second) ?? 0) + 1)
    },
    count: () => {
      current()
      return [...seconds.values()].reduce((sum, some) => sum + some, 0)
    },
  }
}
