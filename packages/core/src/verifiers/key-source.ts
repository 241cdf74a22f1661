import { refuse } from '../refusals.ts'
import { abortable, withDeadline } from '../waiting.ts'
import { fetchJson } from './fetch-json.ts'
import { type KeySet, readKeySet } from './key-set.ts'
import { isWithin, type Runtime } from './runtime.ts'
import { createSingleFlight } from './single-flight.ts'
import type { TellTrouble } from './trouble.ts'

/** Where keys come from. */
export interface KeySource {
  /** Keys to verify with now: at once where they are known. Refuses `'unavailable'` where there are none to be had. */
  keys(signal: AbortSignal): KeySet | Promise<KeySet>
  /**
   * Looks for keys newer than the known ones, after an unknown `kid`. `undefined`: there cannot be any, or they were
   * fetched a moment ago. Refuses `'unavailable'` where their source does not answer, for nobody knows then.
   */
  newer(signal: AbortSignal): Promise<KeySet | undefined>
  /** Until when, ms since the epoch, what these keys have proved may be believed. 0: they have been replaced. */
  goodUntil(keys: KeySet): number
}

/** Keys that never change. */
export const fixedKeySource = (keys: KeySet): KeySource => ({
  keys: () => keys,
  newer: async () => undefined,
  goodUntil: () => Number.POSITIVE_INFINITY,
})

/** What a remote key source is made of. */
export interface RemoteKeysOptions {
  readonly url: string
  /** Milliseconds that known keys serve past their age while their source fails. */
  readonly staleKeysMs: number
  /** Called when other keys than before are known. */
  readonly changed: () => void
  readonly tell: TellTrouble
  readonly runtime: Runtime
}

const MOST_BYTES = 524_288
const COOLDOWN_MS = 30_000

/**
 * Keys from a JWK Set at an address. They are known for 10 minutes and refreshed before; while their source fails they
 * are used for `staleKeysMs` more, reported once per outage as `'keys_stale'`. One fetch serves all who wait, and runs to
 * its end when they leave.
 */
export function remoteKeySource(options: RemoteKeysOptions): KeySource {
  const { url, staleKeysMs, changed, tell, runtime } = options
  const { now, deadlineMs } = runtime
  const cache = createJwksCache(staleKeysMs, runtime)
  const backOff = createBackOff(runtime)
  const fetches = createSingleFlight<KeySet>()
  let isStaleTold = false
  let isWeakTold = false
  let answeredAt = Number.NEGATIVE_INFINITY

  const accept = (document: unknown, asked: number): KeySet => {
    const { keys, weak, unfit } = readKeySet(document)
    const isReplaced = cache.put(keys, asked)
    backOff.recovered()
    answeredAt = now()
    isStaleTold = false
    if (isReplaced) changed()
    if (weak.length > 0 && !isWeakTold) tell('keys_weak', new Error(weak.join('; ')))
    isWeakTold = weak.length > 0
    if (keys.keys.length === 0)
      tell('keys_empty', new Error(`no key that can verify; ${[...weak, ...unfit].join('; ')}`))
    return keys
  }
  const load = async (): Promise<KeySet> => {
    const asked = now()
    const request = { url, method: 'GET', headers: ACCEPT, maxBytes: MOST_BYTES } as const
    try {
      const { value } = await withDeadline((signal) => fetchJson(request, signal), { ms: deadlineMs })
      return accept(value, asked)
    } catch (cause) {
      if (!backOff.failure() && cache.stale()) tell('keys_not_refreshed', cause)
      backOff.failed(cause)
      throw cause
    }
  }
  const fetchKeys = (): Promise<KeySet> => fetches.run(url, load)
  const refreshInBackground = (): void => {
    if (backOff.pauseLeft() === 0) void fetchKeys() // load() reports a failure
  }
  const useStale = (keys: KeySet): KeySet => {
    if (!isStaleTold) tell('keys_stale', backOff.failure()?.cause)
    isStaleTold = true
    return keys
  }
  const refuseFor = (cause: unknown): never =>
    refuse('unavailable', { retryAfterMs: Math.ceil(backOff.pauseLeft()), cause })

  /** Waits for a fetch, unless the last one failed a moment ago. */
  const fetched = async (signal: AbortSignal): Promise<KeySet> => {
    if (!fetches.isRunning(url) && backOff.pauseLeft() > 0) return refuseFor(backOff.failure()?.cause)
    try {
      return await abortable(fetchKeys(), signal)
    } catch (cause) {
      if (signal.aborted) throw cause
      return refuseFor(cause)
    }
  }
  const fetchedOrStale = async (signal: AbortSignal): Promise<KeySet> => {
    try {
      return await fetched(signal)
    } catch (error) {
      const stale = signal.aborted ? undefined : cache.stale()
      if (stale) return useStale(stale)
      throw error
    }
  }
  return {
    goodUntil: cache.goodUntil,
    keys(signal) {
      const fresh = cache.fresh()
      if (fresh && cache.isDue()) refreshInBackground()
      if (fresh) return fresh

      const stale = backOff.failure() && cache.stale()
      if (stale) refreshInBackground() // no request waits for a source that is known to fail
      return stale ? useStale(stale) : fetchedOrStale(signal)
    },
    async newer(signal) {
      const isYoung = isWithin(now(), answeredAt, COOLDOWN_MS)
      return isYoung && !fetches.isRunning(url) ? undefined : fetched(signal)
    },
  }
}

const ACCEPT = { accept: 'application/jwk-set+json, application/json' } as const

// ── what it remembers ────────────────────────────────────────────────────────────────────────────────────────────

/** The last keys that were fetched, and how long they may be used. */
export interface JwksCache {
  /** The keys, while they are fresh; else `undefined`. */
  readonly fresh: () => KeySet | undefined
  /** The keys, fresh or not, while they may be used although their source fails; else `undefined`. */
  readonly stale: () => KeySet | undefined
  /** Whether fresh keys should be refreshed in the background. */
  readonly isDue: () => boolean
  /**
   * @param since - when they were asked for, ms since the epoch
   * @returns whether other keys were known before
   */
  readonly put: (keys: KeySet, since: number) => boolean
  /** Until when, ms since the epoch, what these keys have proved may be believed. 0: they have been replaced. */
  readonly goodUntil: (keys: KeySet) => number
}

const AGE_MS = 600_000

/**
 * Keys are fresh for 10 minutes. They are refreshed at a random age of 7 to 9 minutes. If that fails, they may be used for
 * `staleKeysMs` longer.
 */
export function createJwksCache(staleKeysMs: number, { now, random }: Runtime): JwksCache {
  let held: { readonly keys: KeySet; readonly since: number; readonly dueMs: number } | undefined
  const until = (ageMs: number): KeySet | undefined =>
    held && isWithin(now(), held.since, ageMs) ? held.keys : undefined
  const fresh = (): KeySet | undefined => until(AGE_MS)
  return {
    fresh,
    stale: () => until(AGE_MS + staleKeysMs),
    isDue: () => held !== undefined && !isWithin(now(), held.since, held.dueMs),
    put(keys, since) {
      const replaced = held !== undefined && held.keys.thumbprints !== keys.thumbprints
      held = { keys, since, dueMs: AGE_MS * (0.7 + 0.2 * random()) }
      return replaced
    },
    goodUntil(keys) {
      if (held?.keys.thumbprints !== keys.thumbprints) return 0
      return held.since + AGE_MS + (fresh() ? 0 : staleKeysMs)
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
