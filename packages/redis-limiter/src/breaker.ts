/** A circuit breaker: keeps requests from waiting for a server that does not answer. */
export interface Breaker {
  /** Whether to call. After a pause one caller may: its `answered` or `failed` decides for all. */
  mayCall(): boolean
  answered(): void
  failed(): void
  /** The call ended without an outcome: its caller left. */
  undecided(): void
  /** Milliseconds until the next call; 0: at once. */
  pauseMs(): number
}

const FAILURES = 5

/**
 * Opens after 5 failures without an answer between them, for 1 to 2 seconds.
 *
 * @param now - milliseconds of a monotonic clock
 * @param random - from 0 up to 1, so that the processes of a fleet do not all retry at once
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
