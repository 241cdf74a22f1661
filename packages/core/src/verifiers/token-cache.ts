import { hash } from 'node:crypto'

import { LRUCache } from 'lru-cache'

/** What was learnt of tokens, for a while. Keyed by {@link digestOf}: no token lies in memory (RFC 9700 §4.9.3). */
export interface TokenCache<V> {
  /** `undefined`: not known, or not at this instant. */
  get(digest: string, at: number): V | undefined
  /** Not kept where `until` is not after `since`. */
  set(digest: string, value: V, life: EntryLife): void
  clear(): void
}

/** When an entry may be used, and what it costs. */
interface EntryLife {
  /** Milliseconds since the epoch. */
  readonly since: number
  /** The end, exclusive, likewise. */
  readonly until: number
  /** How many bytes were parsed to make the value. */
  readonly bytes: number
}

/** What an entry holds in memory beside its value: the digest, the times, the places in the cache's lists. */
const ENTRY_BYTES = 256

/**
 * A cache of at most `mostTokens` entries, made from at most `mostBytes` bytes. The least recently used are evicted
 * first.
 */
export function createTokenCache<V extends object>(mostTokens: number, mostBytes: number): TokenCache<V> {
  const entries = new LRUCache<string, { value: V; since: number; until: number }>({
    max: mostTokens,
    maxSize: mostBytes,
  })
  return {
    get(digest, at) {
      const entry = entries.get(digest)
      if (entry === undefined) return undefined
      // Not before `since` either: a clock set back must not lengthen a life, and `nbf` was checked at `since`.
      if (at >= entry.since && at < entry.until) return entry.value
      entries.delete(digest)
      return undefined
    },
    set(digest, value, { since, until, bytes }) {
      if (until > since) entries.set(digest, { value, since, until }, { size: ENTRY_BYTES + bytes })
    },
    clear: () => entries.clear(),
  }
}

/** SHA-256 of a token. */
export const digestOf = (token: string): string => hash('sha256', token, 'base64url')
