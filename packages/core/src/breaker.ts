/** How a call ended. `'neither'`: its caller left before the server could answer, so the outcome is not the server's. */
export type CallOutcome = 'answered' | 'failed' | 'neither'

/** A circuit breaker: while a server does not answer, calls to it are refused at once. */
export interface Breaker {
  /** Returns a function that reports the outcome of the call; call it once. `undefined`: the circuit is open, so do not call. */
  enter(): ((outcome: CallOutcome) => void) | undefined
  /** Milliseconds until the next call is allowed. 0: it is allowed now. */
  pauseMs(): number
}

/** When a breaker opens, and for how long. */
export interface BreakerOptions {
  /** Failures in a row that open the circuit. */
  readonly failures: number
  /** The circuit stays open for a random time between these, in milliseconds, so that not all processes come back at once. */
  readonly pause: { readonly leastMs: number; readonly mostMs: number }
  /**
   * Milliseconds of a monotonic clock.
   * @defaultValue `performance.now`
   */
  readonly now?: () => number
  /** @defaultValue `Math.random` */
  readonly random?: () => number
}

/**
 * Creates a circuit breaker. It opens after so many failures in a row. After the pause it lets one call through: an answer
 * closes the circuit, a failure opens it for another pause. Failures of calls that were sent before it opened do not extend the
 * pause.
 */
export function createBreaker({
  failures: limit,
  pause,
  now = () => performance.now(),
  random = Math.random,
}: BreakerOptions): Breaker {
  let failures = 0
  let openUntil = 0
  let isProbing = false
  const isOpen = (): boolean => failures >= limit
  const pauseMs = (): number => (isOpen() ? Math.max(0, Math.ceil(openUntil - now())) : 0)

  const report = (outcome: CallOutcome, isProbe: boolean): void => {
    if (isProbe) isProbing = false
    if (outcome === 'answered') failures = 0
    if (outcome !== 'failed') return
    failures += 1
    if (isProbe || failures === limit)
      openUntil = now() + pause.leastMs + random() * (pause.mostMs - pause.leastMs)
  }

  return {
    enter: () => {
      if (!isOpen()) return (outcome) => report(outcome, false)
      if (isProbing || pauseMs() > 0) return undefined
      isProbing = true
      return (outcome) => report(outcome, true)
    },
    pauseMs,
  }
}
