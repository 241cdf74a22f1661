import { refuse } from '../refusals.ts'
import { abortable, withDeadline } from '../waiting.ts'
import { isWithin, type Runtime } from './runtime.ts'
import { createSingleFlight } from './single-flight.ts'

/** A value that is fetched from another server and kept up to date. */
export interface Refreshed<V> {
  /** The value. A known value is returned at once, not as a promise. Refuses `'unavailable'` if it cannot be fetched. */
  readonly current: (signal: AbortSignal) => V | Promise<V>
  /**
   * Fetches the value again. Resolves to `undefined` if it was fetched less than 30 s ago. Refuses `'unavailable'` if the
   * fetch fails.
   */
  readonly newer: (signal: AbortSignal) => Promise<V | undefined>
  /**
   * The instant, in milliseconds since the epoch, until which a result that used this value may stay in a cache. 0 if the
   * value was replaced.
   */
  readonly goodUntil: (value: V) => number
}

/** Options of {@link createRefreshed}. */
export interface RefreshedOptions<V> {
  /** Fetches the value. The signal aborts at the deadline. */
  readonly load: (signal: AbortSignal) => Promise<V>
  /** Returns a string that is equal for two equal values. */
  readonly identityOf: (value: V) => string
  /** Milliseconds for which a value older than 10 minutes may be used while it cannot be refreshed. */
  readonly staleMs: number
  /** Called when a fetched value differs from the value before. */
  readonly replaced?: () => void
  /**
   * Called with `'not_refreshed'` when a fetch fails for the first time after a success and the known value can still be
   * used. Called with `'stale'` once per outage, when a value older than 10 minutes is used.
   */
  readonly failed?: (code: 'not_refreshed' | 'stale', cause: unknown) => void
  readonly runtime: Runtime
}

const COOLDOWN_MS = 30_000

/**
 * Caches a value for 10 minutes and refreshes it before they end. While the server fails, the value may be used for
 * `staleMs` longer. All callers share one fetch. It continues if they stop waiting. After a failure, the next fetch waits
 * for an exponential back-off.
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

  /** Fetches the value. Refuses at once if the last fetch failed and its back-off has not passed. */
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
      if (stale !== undefined) refreshInBackground() // a request must not wait for a server that is known to fail
      return stale === undefined ? fetchedOrStale(signal) : useStale(stale)
    },
    async newer(signal) {
      const isYoung = isWithin(now(), answeredAt, COOLDOWN_MS)
      return isYoung && !fetches.isRunning(ONE) ? undefined : fetched(signal)
    },
  }
}

const ONE = 'the value'

// ── the cached value and the back-off ────────────────────────────────────────────────────────────────────────────────

/** A cache of the last fetched value, which knows how long the value may be used. */
export interface AgingCache<V> {
  /** The value while it is fresh. After that, `undefined`. */
  readonly fresh: () => V | undefined
  /** The value, fresh or not, as long as it may be used while the server fails. After that, `undefined`. */
  readonly stale: () => V | undefined
  /** Whether a fresh value should be refreshed in the background. */
  readonly isDue: () => boolean
  /**
   * Stores a fetched value.
   *
   * @param since - the start of its fetch, in milliseconds since the epoch
   * @returns whether the value before was a different one
   */
  readonly put: (value: V, since: number) => boolean
  /**
   * The instant, in milliseconds since the epoch, until which a result that used this value may stay in a cache. 0 if the
   * value was replaced.
   */
  readonly goodUntil: (value: V) => number
}

const AGE_MS = 600_000

/**
 * A value is fresh for 10 minutes. It is refreshed at a random age of 7 to 9 minutes. If that fails, it may be used for
 * `staleMs` longer.
 *
 * @param identityOf - returns a string that is equal for two equal values
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

/** Exponential back-off with jitter after failed fetches. */
interface BackOff {
  /** The last failure. `undefined` if the last fetch succeeded, or if there was none. */
  readonly failure: () => { readonly cause: unknown } | undefined
  /** Milliseconds until the next fetch may start. 0 if it may start now. */
  readonly pauseLeft: () => number
  readonly failed: (cause: unknown) => void
  readonly recovered: () => void
}

const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000

/** The first pause is 1 s. Each failure doubles it, up to 30 s. Each pause is multiplied by a random factor of 0.5 to 1. */
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
