import { discover } from './discovery.ts'
import { type Fetch, fetchJson } from './fetch-json.ts'
import { type KeySet, type ReadKeySet, readKeySet } from './key-set.ts'
import { createRefreshed } from './refreshed.ts'
import type { Runtime } from './runtime.ts'
import type { ReportTrouble } from './trouble.ts'

/** Gives the keys of one issuer. */
export interface KeySource {
  /** The current keys. Known keys are returned at once, not as a promise. Refuses `'unavailable'` if there are none. */
  keys(signal: AbortSignal): KeySet | Promise<KeySet>
  /**
   * Fetches the keys again, for a token with an unknown `kid`. Resolves to `undefined` if the keys are fixed, or were
   * fetched less than 30 s ago. Refuses `'unavailable'` if the fetch fails, because the `kid` may be that of a newer key.
   */
  newer(signal: AbortSignal): Promise<KeySet | undefined>
  /**
   * The instant, in milliseconds since the epoch, until which a token that was verified with these keys may stay in a cache.
   * 0 if the keys were replaced.
   */
  goodUntil(keys: KeySet): number
}

/** Creates a source of keys that never change. */
export const fixedKeySource = (keys: KeySet): KeySource => ({
  keys: () => keys,
  newer: async () => undefined,
  goodUntil: () => Number.POSITIVE_INFINITY,
})

/** Options of {@link remoteKeySource}. */
export interface RemoteKeysOptions {
  /** The address of the key set. If `undefined`, it is read from the issuer's metadata. */
  readonly url: string | undefined
  readonly issuer: string
  readonly fetch: Fetch | undefined
  /** Milliseconds for which keys older than 10 minutes may be used while they cannot be refreshed. */
  readonly staleKeysMs: number
  /** Called when a fetched set has other keys than the set before. */
  readonly changed: () => void
  readonly report: ReportTrouble
  readonly runtime: Runtime
}

const MOST_BYTES = 524_288

/**
 * Creates a source that fetches a JWK Set over HTTP. {@link createRefreshed} caches and refreshes it. Without `url`, the
 * address is read from the issuer's metadata at each fetch, within the same deadline.
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
