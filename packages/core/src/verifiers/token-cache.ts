import { hash } from 'node:crypto'

import { LRUCache } from 'lru-cache'

/** What was learnt of tokens, for a while. Keyed by {@link digestOf}: no token lies in memory (RFC 9700 §4.9.3). */
export interface TokenCache<V> {
  /** `undefined`: not known, or not at this instant. */
  get(digest: string, at: number): V | undefined
  /** Holds from `at` to before `until`, both ms since the epoch. Not kept where `until` is not after `at`. */
  set(digest: string, value: V, at: number, until: number): void
  clear(): void
}

/** A cache of at most so many tokens; the least recently used go first. */
export function createTokenCache<V extends object>(most: number): TokenCache<V> {
  const entries = new LRUCache<string, { value: V; from: number; until: number }>({ max: most })
  return {
    get(digest, at) {
      const entry = entries.get(digest)
      if (entry === undefined) return undefined
      // Also before `from`: a clock set back must not lengthen a life, and `nbf` was judged at `from`.
      if (at >= entry.from && at < entry.until) return entry.value
      entries.delete(digest)
      return undefined
    },
    set(digest, value, at, until) {
      if (until > at) entries.set(digest, { value, from: at, until })
    },
    clear: () => entries.clear(),
  }
}

/** SHA-256 of a token. */
export const digestOf = (token: string): string => hash('sha256', token, 'base64url')

/** Longest token that is looked at, in characters. */
export const LONGEST_TOKEN = 8_192
