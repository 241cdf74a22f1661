/** What a verifier takes from the world around it. Hosts get the real one; tests bring their own. */
export interface Runtime {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** From 0 to below 1: spreads refreshes and retries, so that a fleet does not act as one. */
  readonly random: () => number
  /** Milliseconds that one request to a key set or an introspection endpoint may take. */
  readonly deadlineMs: number
  /** How many tokens a memory holds; the least recently used go first. */
  readonly mostTokens: number
}

export const defaultRuntime: Runtime = {
  now: Date.now,
  random: Math.random,
  deadlineMs: 5_000,
  mostTokens: 10_000,
}

/**
 * Whether `at` lies in the `lengthMs` that begin at `from`. What lies before `from` does not: a clock set back must not
 * lengthen a life.
 */
export const isWithin = (at: number, from: number, lengthMs: number): boolean =>
  at >= from && at < from + lengthMs
