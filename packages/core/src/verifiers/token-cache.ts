import { hash } from 'node:crypto'

import { LRUCache } from 'lru-cache'

/** A cache of the results for tokens. Its keys are {@link digestOf} the tokens, so it holds no token (RFC 9700 §4.9.3). */
export interface TokenCache<V> {
  /** Returns the value, or `undefined` if there is none that may be used at the instant `at` (ms since the epoch). */
  get(digest: string, at: number): V | undefined
  /** Stores a value. Does nothing if `until` is not later than `since`. */
  set(digest: string, value: V, life: EntryLife): void
  clear(): void
}

/** When an entry may be used, and how much it counts towards `mostBytes`. */
interface EntryLife {
  /** The first instant at which the entry may be used, in milliseconds since the epoch. */
  readonly since: number
  /** The first instant at which the entry may no longer be used, in milliseconds since the epoch. */
  readonly until: number
  /** The length in bytes of the token or the answer from which the value was made. */
  readonly bytes: number
}

/**
 * The memory in bytes that an entry takes besides its value: the digest, the two times, and its part of the cache's lists.
 */
const ENTRY_BYTES = 256

/**
 * Creates a cache.
 *
 * @param mostTokens - the most entries. The least recently used entry is evicted first
 * @param mostBytes - the most bytes of all entries together
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
