import { hash } from 'node:crypto'

import { LRUCache } from 'lru-cache'

import type { Quota } from '../ports.ts'

/**
 * A quota in whole numbers: a token is worth `perToken` credit, every millisecond adds `gainPerMs`, and a full bucket holds
 * `full`. A negative credit is a debt. All numbers stay below 2^53, so sums and products are exact, and `Math.floor` and
 * `Math.ceil` of a quotient are right: its rounding error is smaller than its distance from a whole number.
 */
export interface BucketRule {
  readonly full: number
  readonly perToken: number
  readonly gainPerMs: number
}

/**
 * Gives the rule of a quota, and checks that it can be computed exactly. Divides `refill` and `perMs` by their greatest common
 * divisor, which changes no result and keeps the numbers small: 500 GB a day is 156,250 bytes in 27 ms.
 *
 * @throws RangeError that names the quota: its members must be whole numbers from 1, and `capacity · perMs`, divided so, below 2^53
 */
export function bucketRule(name: string, { capacity, refill, perMs }: Quota): BucketRule {
  if (!isCount(capacity) || !isCount(refill) || !isCount(perMs))
    throw new RangeError(
      `quota "${name}": capacity, refill and perMs must be whole numbers from 1; got ${capacity}, ${refill} and ${perMs}`,
    )
  const divisor = commonDivisor(refill, perMs)
  const perToken = perMs / divisor
  if (!Number.isSafeInteger(capacity * perToken))
    throw new RangeError(`quota "${name}": capacity times perMs must be below 2^53`)
  return { full: capacity * perToken, perToken, gainPerMs: refill / divisor }
}

/** The greatest common divisor of two whole numbers from 1 (Euclid). */
export function commonDivisor(one: number, other: number): number {
  return other === 0 ? one : commonDivisor(other, one % other)
}

/** The credit after `elapsedMs`. If the clock went back, so a negative number, the credit stays as it is. */
export function refilled(rule: BucketRule, credit: number, elapsedMs: number): number {
  if (elapsedMs <= 0) return credit
  return elapsedMs >= msUntil(rule, credit, rule.full) ? rule.full : credit + elapsedMs * rule.gainPerMs
}

/** Milliseconds until the credit is `wanted`; 0 if it is already. */
export function msUntil(rule: BucketRule, credit: number, wanted: number): number {
  return credit >= wanted ? 0 : Math.ceil((wanted - credit) / rule.gainPerMs)
}

/** Whole tokens in the credit; 0 if it is a debt. */
export function wholeTokens(rule: BucketRule, credit: number): number {
  return Math.max(0, Math.floor(credit / rule.perToken))
}

/** Milliseconds until there is one whole token more than {@link wholeTokens}; 0 if the bucket is full. */
export function msUntilNext(rule: BucketRule, credit: number): number {
  return credit >= rule.full ? 0 : msUntil(rule, credit, (wholeTokens(rule, credit) + 1) * rule.perToken)
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 1

/** The state of a bucket when it was last changed. A bucket that was never charged is full. */
export interface Bucket extends BucketRule {
  credit: number
  /** Milliseconds on the limiter's clock at which the bucket held this credit. */
  at: number
}

/** Buckets by name, at most `maxKeys` of them. A bucket is evicted only once it has refilled. */
export interface BucketTable {
  /** Finds a bucket. `undefined`: it is not in the table, so it is full. */
  find(name: string): Bucket | undefined
  /** Makes room for one more bucket. `false`: the table is full, and no bucket that was checked can be evicted. */
  makeRoom(nowMs: number): boolean
  /** Puts a bucket into the table: one from `find`, or a new one after `makeRoom`. */
  keep(name: string, bucket: Bucket): void
  /** Removes a bucket that has refilled. */
  drop(name: string): void
}

/**
 * How many of the least recently used buckets are checked when the table is full. Those that have not refilled are marked as
 * used, so the next check sees others.
 */
const CHECKS = 4

export function createBucketTable(maxKeys: number): BucketTable {
  // No ttl: lru-cache would read the clock at every call, and age alone does not show that a bucket has refilled.
  const table = new LRUCache<string, Bucket>({ max: maxKeys })

  const evictOne = (nowMs: number): void => {
    const busy: string[] = []
    for (const name of table.rkeys()) {
      const bucket = table.peek(name)
      if (bucket && isFull(bucket, nowMs)) {
        table.delete(name)
        break
      }
      busy.push(name)
      if (busy.length === CHECKS) break
    }
    for (const name of busy) table.get(name)
  }

  return {
    find: (name) => table.get(name),
    makeRoom: (nowMs) => {
      if (table.size >= maxKeys) evictOne(nowMs)
      return table.size < maxKeys
    },
    keep: (name, bucket) => {
      table.set(name, bucket)
    },
    drop: (name) => {
      table.delete(name)
    },
  }
}

const isFull = (bucket: Bucket, nowMs: number): boolean =>
  refilled(bucket, bucket.credit, nowMs - bucket.at) === bucket.full

/** A longer name is hashed. In characters. */
const LONGEST = 160

/**
 * Names a key by the JSON of its parts, or by the SHA-256 of that JSON if it is longer than 160 characters. Different parts give
 * different names. JSON escapes lone surrogates, so nothing is lost in UTF-8, and gives a flat string, which takes a third of the
 * memory of a concatenated one.
 */
export function keyName(parts: readonly (string | number)[]): string {
  const name = JSON.stringify(parts)
  return name.length <= LONGEST ? name : hash('sha256', name, 'base64url')
}
