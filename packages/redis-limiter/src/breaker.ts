/** A circuit breaker: keeps requests from waiting for a server that does not answer. */
export interface Breaker {
  /** Whether the caller may send. After a pause one caller may; its `answered` or `failed` then closes or opens the circuit. */
  mayCall(): boolean
  answered(): void
  failed(): void
  /** Records that a call ended without an outcome, because its caller left. */
  undecided(): void
  /** Milliseconds until the next call is allowed; 0: it is allowed now. */
  pauseMs(): number
}

const FAILURES = 5

/**
 * Opens after 5 failures without an answer between them, for 1 to 2 seconds.
 *
 * @param now - milliseconds of a monotonic clock
 * @param random - as `Math.random`; it keeps the processes of a fleet from retrying at the same time
 */
export function createBreaker(
  now: () => number = () => performance.now(),
  random: () => number = Math.random,
): Breaker {
  let failures = 0
  let openUntil = 0
  let probing = false
  const isOpen = (): boolean => failures >= FAILURES
  const pauseMs = (): number => (isOpen() ? Math.max(0, Math.ceil(openUntil - now())) : 0)
  return {
    mayCall: () => {
      if (!isOpen()) return true
      if (probing || pauseMs() > 0) return false
      probing = true
      return true
    },
    answered: () => {
      failures = 0
      probing = false
    },
    failed: () => {
      failures += 1
      if (probing || failures === FAILURES) openUntil = now() + 1_000 + random() * 1_000
      probing = false
    },
    undecided: () => {
      probing = false
    },
    pauseMs,
  }
}
