/** The clock, the random source and the limits of a verifier. Hosts get {@link defaultRuntime}. Tests set their own. */
export interface Runtime {
  /** Returns the current time in milliseconds since the epoch. */
  readonly now: () => number
  /** Returns a number from 0 to below 1: the jitter of refreshes and retries, so that many processes do not act at once. */
  readonly random: () => number
  /** Milliseconds after which a request to a key set or an introspection endpoint is aborted. */
  readonly deadlineMs: number
  /** The most verified tokens in a cache. The least recently used token is evicted first. */
  readonly mostTokens: number
  /** The most bytes of verified claims (as JSON, or as a JWT) in a cache. The least recently used token is evicted first. */
  readonly mostBytes: number
}

export const defaultRuntime: Runtime = {
  now: Date.now,
  random: Math.random,
  deadlineMs: 5_000,
  mostTokens: 10_000,
  mostBytes: 16_777_216,
}

/**
 * Whether the instant `at` is at or after `since` and less than `lengthMs` later. An instant before `since` is not, so that
 * a clock that is set back does not keep an old value in use.
 */
export const isWithin = (at: number, since: number, lengthMs: number): boolean =>
  at >= since && at < since + lengthMs
