import type { Admission, AdmissionAsk, Quota, QuotaLeft, RateLimiter } from '../ports.ts'
import { createBucketTable } from './bucket-table.ts'
import type { Bucket } from './bucket-table.ts'
import { keyName } from './key-name.ts'
import { createSlotTable } from './slot-table.ts'
import { bucketRule, msUntil, msUntilNext, refilled, wholeTokens } from './token-bucket.ts'

/** A slot frees when some download ends, and nobody knows when: the refused are told to wait this long. */
const SLOT_RETRY_MS = 1_000

/**
 * Counts quotas and slots in this process. N processes admit N times as much; `@sallyport/redis-limiter` counts them
 * together.
 *
 * Memory is bounded: `maxKeys` buckets of about 300 bytes (28 of them taken at creation), and 150 bytes for each key
 * with a download open. A bucket leaves only when it is full again, so nobody gets a fresh one by making others: while
 * the table is held by buckets that are not full, newcomers share one bucket per quota. A changed quota starts with a
 * full bucket.
 *
 * `admit` rejects with a RangeError what can never be answered right: a quota that is not of whole numbers from 1, or
 * whose `capacity · perMs` is not below 2^53; a cost above a capacity; a limit or cost that is not a whole number from
 * 0; a name or key that stands twice. An aborted signal rejects with its reason, and nothing is taken.
 *
 * @param options - `maxKeys`: a whole number from 1. `now`: milliseconds; a clock that goes back refills nothing until
 *   it has caught up
 * @defaultValue `maxKeys` 100_000; `now` a monotonic clock
 * @throws RangeError for another `maxKeys`
 */
export function createMemoryLimiter(
  options: { readonly maxKeys?: number; readonly now?: () => number } = {},
): RateLimiter {
  const { maxKeys = 100_000, now = () => performance.now() } = options
  if (!isWhole(maxKeys) || maxKeys === 0) throw new RangeError('maxKeys must be a whole number from 1')
  const table = createBucketTable(maxKeys)
  const shared = new Map<string, Bucket>()
  const slots = createSlotTable()

  /** The bucket that a quota counts in, and what is in it now. Changes nothing. */
  const look = ({ name, key, quota }: AskedQuota, { quotas, cost }: AdmissionAsk, nowMs: number): Account => {
    const { capacity, refill, perMs } = quota
    const own = keyName([capacity, refill, perMs, ...key])
    const known = table.find(own)
    const crowded = !known && !table.makeRoom(quotas.length, nowMs)
    const home = crowded ? keyName([capacity, refill, perMs, name]) : own
    const bucket = known ?? (crowded ? shared.get(home) : undefined) ?? newBucket(name, quota, nowMs)
    const price = cost * bucket.perToken
    if (price > bucket.full) throw new RangeError(`quota "${name}": the cost is above the capacity`)
    const lateMs = Math.max(0, bucket.at - nowMs)
    const credit = refilled(bucket, bucket.credit, nowMs - bucket.at)
    return { name, home, crowded, bucket, credit, price, lateMs }
  }

  const charge = ({ home, crowded, bucket, credit, price, lateMs }: Account, nowMs: number): void => {
    bucket.credit = credit - price
    bucket.at = nowMs + lateMs
    if (crowded) shared.set(home, bucket)
    else table.keep(home, bucket)
  }

  const take = (names: readonly string[]): (() => void) => {
    if (names.length === 0) return nothing
    let held = true
    for (const name of names) slots.take(name)
    return () => {
      if (held) for (const name of names) slots.give(name)
      held = false
    }
  }

  const admit = (ask: AdmissionAsk): Admission => {
    const nowMs = Math.floor(now())
    check(ask)
    const accounts = ask.quotas.map((asked) => look(asked, ask, nowMs))
    const places = ask.slots.map(({ key }) => keyName(key))
    requireDistinct(accounts.map(({ home }) => home))
    requireDistinct(places)

    const short = accounts.filter((account) => waitMs(account) > 0)
    const by =
      short[0]?.name ?? ask.slots.find(({ limit }, index) => slots.count(places[index] ?? '') >= limit)?.name
    if (by !== undefined) {
      const retryAfterMs = short.length > 0 ? Math.max(...short.map(waitMs)) : SLOT_RETRY_MS
      return {
        admitted: false,
        left: accounts.map((account) => row(account, account.credit)),
        by,
        retryAfterMs,
      }
    }
    for (const account of accounts) if (account.price > 0) charge(account, nowMs)
    const left = accounts.map((account) => row(account, account.credit - account.price))
    return { admitted: true, left, release: take(places) }
  }

  return {
    admit: async (ask, signal) => {
      signal.throwIfAborted()
      return admit(ask)
    },
  }
}

type AskedQuota = AdmissionAsk['quotas'][number]

interface Account {
  readonly name: string
  /** What its bucket is called in the table, or among the shared ones if the table is crowded. */
  readonly home: string
  readonly crowded: boolean
  readonly bucket: Bucket
  /** What is in it now, and what this ask takes. */
  readonly credit: number
  readonly price: number
  /** Milliseconds until a clock that went back has caught up. */
  readonly lateMs: number
}

const newBucket = (name: string, quota: Quota, at: number): Bucket => {
  const rule = bucketRule(name, quota)
  return { ...rule, credit: rule.full, at }
}

/** Exact: asked again then, it admits if nobody else came. Who only looks asks for one token. */
const waitMs = ({ bucket, credit, price, lateMs }: Account): number => {
  const wait = msUntil(bucket, credit, Math.max(price, bucket.perToken))
  return wait > 0 ? wait + lateMs : 0
}

const row = ({ name, bucket, lateMs }: Account, credit: number): QuotaLeft => {
  const next = msUntilNext(bucket, credit)
  return { name, tokens: wholeTokens(bucket, credit), nextMs: next > 0 ? next + lateMs : 0 }
}

const check = ({ cost, quotas, slots }: AdmissionAsk): void => {
  if (!isWhole(cost)) throw new RangeError('the cost must be a whole number from 0')
  for (const { name, limit } of slots)
    if (!isWhole(limit)) throw new RangeError(`slot "${name}": the limit must be a whole number from 0`)
  requireDistinct(quotas.map(({ name }) => name))
}

const requireDistinct = (names: readonly string[]): void => {
  if (names.length > 1 && names.some((name, index) => names.indexOf(name) !== index))
    throw new RangeError('two quotas or slots of one ask share a name or a key')
}

const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
const nothing = (): void => undefined
