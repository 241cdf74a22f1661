import type { KeySet } from './key-set.ts'
import { isWithin, type Runtime } from './runtime.ts'

/** The last keys that were fetched, and how long they may serve. */
export interface JwksCache {
  /** Known keys, while they are young; else `undefined`. */
  readonly fresh: () => KeySet | undefined
  /** Known keys, young or old, while they may serve though their source fails; else `undefined`. */
  readonly stale: () => KeySet | undefined
  /** Whether young keys should be fetched anew behind the callers' backs. */
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

/** Keys are young for 10 minutes, due at 80 % of that, give or take a tenth by chance, and old for `staleKeysMs` more. */
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
