import { refuse } from '../refusals.ts'
import { abortable, withDeadline } from '../waiting.ts'
import { isWithin, type Runtime } from './runtime.ts'
import { createSingleFlight } from './single-flight.ts'

/** A value of another server, kept up to date. */
export interface Refreshed<V> {
  /** The value: at once where it is known. Refuses `'unavailable'` where it cannot be had. */
  readonly current: (signal: AbortSignal) => V | Promise<V>
  /**
   * Looks for a newer value. `undefined`: it was fetched a moment ago. Refuses `'unavailable'` where the server does not
   * answer.
   */
  readonly newer: (signal: AbortSignal) => Promise<V | undefined>
  /** Until when (ms since the epoch) a result that used this value may stay in a cache. 0: the value was replaced. */
  readonly goodUntil: (value: V) => number
}

/** What a {@link Refreshed} is made of. */
export interface RefreshedOptions<V> {
  /** Fetches the value. The signal is the deadline's. */
  readonly load: (signal: AbortSignal) => Promise<V>
  /** A text that is equal where two values are the same. */
  readonly identityOf: (value: V) => string
  /** Milliseconds that a known value serves past its age while the server fails. */
  readonly staleMs: number
  /** Called when another value than before is known. */
  readonly replaced?: () => void
  /** Called where a refresh has failed after a success, and once per outage where the value is used past its age. */
  readonly failed?: (code: 'not_refreshed' | 'stale', cause: unknown) => void
  readonly runtime: Runtime
}

const COOLDOWN_MS = 30_000

/**
 * Keeps a value for 10 minutes and refreshes it before. While its server fails, it is used for `staleMs` more. One fetch
 * serves all who wait, and runs to its end when they leave. After a failure the server is not asked again for a while.
 */
export function createRefreshed<V extends object | string>(options: RefreshedOptions<V>): Refreshed<V> {
  const { load, identityOf, staleMs, replaced, failed, runtime } = options
  const { now, deadlineMs } = runtime
  const cache = createAgingCache(identityOf, staleMs, runtime)
  const backOff = createBackOff(runtime)
  const fetches = createSingleFlight<V>()
  let isStaleReported = false
  let answeredAt = Number.NEGATIVE_INFINITY

  const fetchOnce = async (): Promise<V> => {
    const asked = now()
    try {
      const value = await withDeadline(load, { ms: deadlineMs })
      const isReplaced = cache.put(value, asked)
      backOff.recovered()
      answeredAt = now()
      isStaleReported = false
      if (isReplaced) replaced?.()
      return value
    } catch (cause) {
      if (!backOff.failure() && cache.stale() !== undefined) failed?.('not_refreshed', cause)
      backOff.failed(cause)
      throw cause
    }
  }
  const fetchValue = (): Promise<V> => fetches.run(ONE, fetchOnce)
  const refreshInBackground = (): void => {
    if (backOff.pauseLeft() === 0) void fetchValue() // fetchOnce() reports a failure
  }
  const useStale = (value: V): V => {
    if (!isStaleReported) failed?.('stale', backOff.failure()?.cause)
    isStaleReported = true
    return value
  }
  const refuseFor = (cause: unknown): never =>
    refuse('unavailable', { retryAfterMs: Math.ceil(backOff.pauseLeft()), cause })

  /** Waits for a fetch, unless the last one failed a moment ago. */
  const fetched = async (signal: AbortSignal): Promise<V> => {
    if (!fetches.isRunning(ONE) && backOff.pauseLeft() > 0) return refuseFor(backOff.failure()?.cause)
    try {
      return await abortable(fetchValue(), signal)
    } catch (cause) {
      if (signal.aborted) throw cause
      return refuseFor(cause)
    }
  }
  const fetchedOrStale = async (signal: AbortSignal): Promise<V> => {
    try {
      return await fetched(signal)
    } catch (error) {
      const stale = signal.aborted ? undefined : cache.stale()
      if (stale !== undefined) return useStale(stale)
      throw error
    }
  }
  return {
    goodUntil: cache.goodUntil,
    current(signal) {
      const fresh = cache.fresh()
      if (fresh !== undefined && cache.isDue()) refreshInBackground()
      if (fresh !== undefined) return fresh

      const stale = backOff.failure() && cache.stale()
      if (stale !== undefined) refreshInBackground() // no request waits for a server that is known to fail
      return stale === undefined ? fetchedOrStale(signal) : useStale(stale)
    },
    async newer(signal) {
      const isYoung = isWithin(now(), answeredAt, COOLDOWN_MS)
      return isYoung && !fetches.isRunning(ONE) ? undefined : fetched(signal)
    },
  }
}

const ONE = 'the value'

// ── what it remembers ────────────────────────────────────────────────────────────────────────────────────────────

/** The last value that was fetched, and how long it may be used. */
export interface AgingCache<V> {
  /** The value, while it is fresh; else `undefined`. */
  readonly fresh: () => V | undefined
  /** The value, fresh or not, while it may be used although its server fails; else `undefined`. */
  readonly stale: () => V | undefined
  /** Whether a fresh value should be refreshed in the background. */
  readonly isDue: () => boolean
  /**
   * @param since - when it was asked for, ms since the epoch
   * @returns whether another value was known before
   */
  readonly put: (value: V, since: number) => boolean
  /** Until when (ms since the epoch) a result that used this value may stay in a cache. 0: the value was replaced. */
  readonly goodUntil: (value: V) => number
}

const AGE_MS = 600_000

/**
 * A value is fresh for 10 minutes. It is refreshed at a random age of 7 to 9 minutes. If that fails, it may be used for
 * `staleMs` longer.
 *
 * @param identityOf - gives a text that is equal where two values are the same
 */
export function createAgingCache<V>(
  identityOf: (value: V) => string,
  staleMs: number,
  { now, random }: Runtime,
): AgingCache<V> {
  let held:
    | { readonly value: V; readonly identity: string; readonly since: number; readonly dueMs: number }
    | undefined
  const valueUpToAge = (ageMs: number): V | undefined =>
    held && isWithin(now(), held.since, ageMs) ? held.value : undefined
  const fresh = (): V | undefined => valueUpToAge(AGE_MS)
  return {
    fresh,
    stale: () => valueUpToAge(AGE_MS + staleMs),
    isDue: () => held !== undefined && !isWithin(now(), held.since, held.dueMs),
    put(value, since) {
      const identity = identityOf(value)
      const isReplaced = held !== undefined && held.identity !== identity
      held = { value, identity, since, dueMs: AGE_MS * (0.7 + 0.2 * random()) }
      return isReplaced
    },
    goodUntil(value) {
      if (held?.identity !== identityOf(value)) return 0
      return held.since + AGE_MS + (fresh() === undefined ? staleMs : 0)
    },
  }
}

/** Exponential back-off with jitter: for how long not to ask a source that failed. */
interface BackOff {
  /** The last failure since the last success; `undefined`: none. */
  readonly failure: () => { readonly cause: unknown } | undefined
  /** Milliseconds until it may be asked again; 0: now. */
  readonly pauseLeft: () => number
  readonly failed: (cause: unknown) => void
  readonly recovered: () => void
}

const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000

/** The first pause is 1 s. It doubles at each failure, up to 30 s. Each is shortened at random, to half at most. */
function createBackOff({ now, random }: Runtime): BackOff {
  let last:
    | { readonly cause: unknown; readonly count: number; readonly at: number; readonly pauseMs: number }
    | undefined
  return {
    failure: () => last,
    pauseLeft() {
      const at = now()
      return last && isWithin(at, last.at, last.pauseMs) ? last.at + last.pauseMs - at : 0
    },
    failed(cause) {
      const count = (last?.count ?? 0) + 1
      const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (count - 1))
      last = { cause, count, at: now(), pauseMs: longest * (0.5 + 0.5 * random()) }
    },
    recovered() {
      last = undefined
    },
  }
}
