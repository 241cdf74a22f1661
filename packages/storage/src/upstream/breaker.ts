const FAILURES = 20
const SHORTEST_MS = 1000
const LONGEST_MS = 5000

/** How a request ended. `'neither'`: the caller left, or no connection became free, so the outcome is not the store's. */
export type OpenOutcome = 'answered' | 'failed' | 'neither'

/** A circuit breaker: while a store does not answer, requests to it are refused at once. */
export interface Breaker {
  /** Returns a function that reports the outcome; call it once. `undefined`: the circuit is open, so do not send the request. */
  enter(): ((outcome: OpenOutcome) => void) | undefined
}

/**
 * Opens after 20 failures in a row, for a random time of 1 to 5 s. Then it lets one probe through: an answer closes it, a
 * failure opens it again.
 *
 * @param now - milliseconds of a monotonic clock
 * @param random - as `Math.random`
 */
export function createBreaker({ now, random }: { now: () => number; random: () => number }): Breaker {
  let failed = 0
  let openUntil = 0
  let probing = false

  const report = (outcome: OpenOutcome): void => {
    if (outcome === 'answered') failed = 0
    if (outcome !== 'failed') return
    failed += 1
    if (failed >= FAILURES) openUntil = now() + SHORTEST_MS + random() * (LONGEST_MS - SHORTEST_MS)
  }

  return {
    enter: () => {
      if (failed < FAILURES) return report
      if (probing || now() < openUntil) return undefined
      probing = true
      return (outcome) => {
        probing = false
        report(outcome)
      }
    },
  }
}
