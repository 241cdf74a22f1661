import { LRUCache } from 'lru-cache'

import { refilled } from './token-bucket.ts'
import type { BucketRule } from './token-bucket.ts'

/** A bucket as its last charge left it. One that was never charged is full. */
export interface Bucket extends BucketRule {
  credit: number
  /** Milliseconds on the limiter's clock: when the credit was that. */
  at: number
}

/** Buckets by name, at most `maxKeys` of them. A bucket leaves only when it is full again. */
export interface BucketTable {
  /** `undefined`: it is full, or was never here. */
  find(name: string): Bucket | undefined
  /** Makes room for `count` more. `false`: others hold the table, and none that was looked at is full. */
  makeRoom(count: number, nowMs: number): boolean
  /** Keeps what `find` gave, or a new bucket that room was made for. */
  keep(name: string, bucket: Bucket): void
}

/** So many of the least used buckets a newcomer looks at. Those not full go to the back: the next one sees others. */
const LOOKS = 4

export function createBucketTable(maxKeys: number): BucketTable {
  // no ttl: it would read the clock at every call, and a time alone does not tell that a bucket is full
  const table = new LRUCache<string, Bucket>({ max: maxKeys })

  const dropFull = (most: number, nowMs: number): void => {
    const busy: string[] = []
    const full: string[] = []
    for (const name of table.rkeys()) {
      const bucket = table.peek(name)
      if (bucket && isFull(bucket, nowMs)) full.push(name)
      else busy.push(name)
      if (full.length === most || full.length + busy.length === LOOKS) break
    }
    for (const name of full) table.delete(name)
    for (const name of busy) table.get(name)
  }

  return {
    find: (name) => table.get(name),
    makeRoom: (count, nowMs) => {
      const missing = table.size + count - maxKeys
      if (missing > 0) dropFull(missing, nowMs)
      return table.size + count <= maxKeys
    },
    keep: (name, bucket) => {
      table.set(name, bucket)
    },
  }
}

const isFull = (bucket: Bucket, nowMs: number): boolean =>
  refilled(bucket, bucket.credit, nowMs - bucket.at) === bucket.full
