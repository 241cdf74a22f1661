import { discover } from './discovery.ts'
import { type Fetch, fetchJson } from './fetch-json.ts'
import { type KeySet, type ReadKeySet, readKeySet } from './key-set.ts'
import { createRefreshed } from './refreshed.ts'
import type { Runtime } from './runtime.ts'
import type { ReportTrouble } from './trouble.ts'

/** Where keys come from. */
export interface KeySource {
  /** Keys to verify with now: at once where they are known. Refuses `'unavailable'` where there are none to be had. */
  keys(signal: AbortSignal): KeySet | Promise<KeySet>
  /**
   * Looks for keys newer than the known ones, after an unknown `kid`. `undefined`: there cannot be any, or they were
   * fetched a moment ago. Refuses `'unavailable'` where their source does not answer, for nobody knows then.
   */
  newer(signal: AbortSignal): Promise<KeySet | undefined>
  /** Until when (ms since the epoch) a token that was verified with these keys may stay in a cache. 0: the keys were replaced. */
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
  /** Where the key set is. Absent: the issuer's metadata say it. */
  readonly url: string | undefined
  readonly issuer: string
  readonly fetch: Fetch | undefined
  /** Milliseconds that known keys serve past their age while their source fails. */
  readonly staleKeysMs: number
  /** Called when other keys than before are known. */
  readonly changed: () => void
  readonly report: ReportTrouble
  readonly runtime: Runtime
}

const MOST_BYTES = 524_288

/**
 * Keys from a JWK Set at an address, kept as {@link createRefreshed} keeps them. An address that has to be discovered is
 * looked up at each fetch, within the same deadline. That keys are used past their age is reported once per outage as
 * `'keys_stale'`.
 */
export function remoteKeySource(options: RemoteKeysOptions): KeySource {
  const { url, issuer, fetch, staleKeysMs, changed, report, runtime } = options
  let isWeakReported = false

  const reportFaultyKeys = ({ keys, weak, unfit }: ReadKeySet): void => {
    if (weak.length > 0 && !isWeakReported) report('keys_weak', new Error(weak.join('; ')))
    isWeakReported = weak.length > 0
    if (keys.keys.length === 0)
      report('keys_empty', new Error(`no key that can verify; ${[...weak, ...unfit].join('; ')}`))
  }
  const load = async (signal: AbortSignal): Promise<KeySet> => {
    const address = url ?? (await discover(issuer, 'jwks_uri', signal, fetch))
    const request = { url: address, method: 'GET', headers: ACCEPT, maxBytes: MOST_BYTES } as const
    const { value } = await fetchJson(request, signal, fetch)
    const read = readKeySet(value)
    reportFaultyKeys(read)
    return read.keys
  }
  const { current, newer, goodUntil } = createRefreshed<KeySet>({
    load,
    identityOf: ({ thumbprints }) => thumbprints,
    staleMs: staleKeysMs,
    replaced: changed,
    failed: (code, cause) => report(code === 'stale' ? 'keys_stale' : 'keys_not_refreshed', cause),
    runtime,
  })
  return { keys: current, newer, goodUntil }
}

const ACCEPT = { accept: 'application/jwk-set+json, application/json' } as const
