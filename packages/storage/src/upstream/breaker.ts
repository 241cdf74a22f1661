const FAILURES = 20
const SHORTEST_MS = 1000
const LONGEST_MS = 5000

/** How an open went. `'neither'`: nobody learnt anything, the caller left. */
export type OpenOutcome = 'answered' | 'failed' | 'neither'

/** Spares a store that does not answer, and its callers the wait. */
export interface Breaker {
  /** Gives the function to report with, once; `undefined`: do not ask now. */
  enter(): ((outcome: OpenOutcome) => void) | undefined
}

/**
 * After 20 failures in a row nobody passes for 1 to 5 s; then one probe does, and its outcome decides for all.
 *
 * @param now - milliseconds of a clock that never goes back
 * @param random - as `Math.random`
 */
export function createBreaker({ now, random }: { now: () => number; random: () => number }): Breaker {
  let failed = 0
  let shutUntil = 0
  let probing = false

  const report = (outcome: OpenOutcome): void => {
    if (outcome === 'answered') failed = 0
    if (outcome !== 'failed') return
    failed += 1
    if (failed >= FAILURES) shutUntil = now() + SHORTEST_MS + random() * (LONGEST_MS - SHORTEST_MS)
  }

  return {
    enter: () => {
      if (failed < FAILURES) return report
      if (probing || now() < shutUntil) return undefined
      probing = true
      return (outcome) => {
        probing = false
        report(outcome)
      }
    },
  }
}
