import { refuse } from '../refusals.ts'
import { createBackOff } from './back-off.ts'
import { fetchJson } from './fetch-json.ts'
import { createJwksCache } from './jwks-cache.ts'
import { type KeySet, readKeySet } from './key-set.ts'
import { isWithin, type Runtime } from './runtime.ts'
import { type SingleFlight, nobodyWaits, reasonOf, startSingleFlight } from './single-flight.ts'
import type { TellTrouble } from './trouble.ts'

/** Where keys come from. */
export interface KeySource {
  /** Keys to verify with now: at once where they are known. Refuses `'unavailable'` where there are none to be had. */
  keys(signal: AbortSignal): KeySet | Promise<KeySet>
  /** Looks for keys newer than the known ones, after an unknown `kid`. `undefined`: it is too early, or nobody answers. */
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
 * serve on for `staleKeysMs`, told once per outage as `'keys_stale'`. One fetch serves all who wait.
 */
export function remoteKeySource(options: RemoteKeysOptions): KeySource {
  const { url, staleKeysMs, changed, tell, runtime } = options
  const { now, deadlineMs } = runtime
  const cache = createJwksCache(staleKeysMs, runtime)
  const backOff = createBackOff(runtime)
  let staleTold = false
  let flight: SingleFlight<KeySet> | undefined
  let askedAt = Number.NEGATIVE_INFINITY

  const accept = (document: unknown, asked: number): KeySet => {
    const { keys, unfit } = readKeySet(document)
    const replaced = cache.put(keys, asked)
    backOff.recovered()
    staleTold = false
    if (replaced) changed()
    if (keys.size === 0) tell('keys_empty', new Error(`no key that can verify; ${unfit.join('; ')}`))
    return keys
  }
  const load = async (signal: AbortSignal): Promise<KeySet> => {
    const asked = now()
    try {
      const document = await fetchJson({ url, method: 'GET', headers: ACCEPT, maxBytes: MOST_BYTES }, signal)
      return accept(document, asked)
    } catch (cause) {
      if (signal.reason === nobodyWaits) throw cause
      if (!backOff.failure() && cache.stale()) tell('keys_not_refreshed', cause)
      backOff.failed(cause)
      throw cause
    }
  }
  const ask = (): SingleFlight<KeySet> => {
    if (flight) return flight
    askedAt = now()
    flight = startSingleFlight(load, deadlineMs, () => {
      flight = undefined
    })
    return flight
  }
  const refreshQuietly = (): void => {
    if (flight || backOff.pauseLeft() > 0) return
    ask()
      .join()
      .catch(() => undefined) // load() has told of it
  }
  const serveStale = (keys: KeySet): KeySet => {
    if (!staleTold) tell('keys_stale', backOff.failure()?.cause)
    staleTold = true
    return keys
  }
  const refuseFor = (cause: unknown): never =>
    refuse('unavailable', { retryAfterMs: Math.ceil(backOff.pauseLeft()), cause })

  const fetched = async (signal: AbortSignal): Promise<KeySet> => {
    try {
      return await ask().join(signal)
    } catch (cause) {
      if (signal.aborted) throw reasonOf(signal)
      const keys = cache.stale()
      return keys ? serveStale(keys) : refuseFor(cause)
    }
  }
  return {
    goodUntil: cache.goodUntil,
    keys(signal) {
      const fresh = cache.fresh()
      if (fresh && cache.isDue()) refreshQuietly()
      if (fresh) return fresh

      const failure = backOff.failure()
      const stale = failure && cache.stale()
      if (stale) refreshQuietly() // nobody waits for a source that is known to fail
      if (stale) return serveStale(stale)
      return !flight && backOff.pauseLeft() > 0 ? refuseFor(failure?.cause) : fetched(signal)
    },
    async newer(signal) {
      if (!flight && isWithin(now(), askedAt, COOLDOWN_MS)) return undefined
      try {
        return await ask().join(signal)
      } catch {
        if (signal.aborted) throw reasonOf(signal)
        return undefined
      }
    },
  }
}

const ACCEPT = { accept: 'application/jwk-set+json, application/json' } as const
