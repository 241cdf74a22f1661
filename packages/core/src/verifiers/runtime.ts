/** What a verifier takes from its environment. Hosts get {@link defaultRuntime}; tests bring their own. */
export interface Runtime {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** From 0 to below 1: spreads refreshes and retries, so that the processes of a fleet do not act at the same instant. */
  readonly random: () => number
  /** Milliseconds that one request to a key set or an introspection endpoint may take. */
  readonly deadlineMs: number
  /** How many verified tokens a cache holds. The least recently used are evicted first. */
  readonly mostTokens: number
  /** How many bytes of verified claims (as JSON, or as a JWT) a cache holds, likewise. */
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
 * Whether `at` lies in the `lengthMs` that begin at `since`. What lies before `since` does not: a clock set back must not
 * lengthen a life.
 */
export const isWithin = (at: number, since: number, lengthMs: number): boolean =>
  at >= since && at < since + lengthMs
