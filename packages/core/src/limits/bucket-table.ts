import { hash } from 'node:crypto'

import { LRUCache } from 'lru-cache'

import { refilled } from './token-bucket.ts'
import type { BucketRule } from './token-bucket.ts'

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
  /** Removes a bucket that has refilled, unless another bucket has its name now. */
  drop(name: string, bucket: Bucket): void
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
    drop: (name, bucket) => {
      if (table.peek(name) === bucket) table.delete(name)
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
