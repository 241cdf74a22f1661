import { checkOptions, fn, object, whole } from '../check-options.ts'
import type { Admission, AdmissionAsk, Quota, QuotaLeft, RateLimiter } from '../ports.ts'
import {
  createBucketTable,
  keyName,
  bucketRule,
  msUntil,
  msUntilNext,
  refilled,
  wholeTokens,
} from './token-bucket.ts'
import type { Bucket, BucketTable } from './token-bucket.ts'

type Options = NonNullable<Parameters<typeof createMemoryLimiter>[0]>
const optionsCheck = object<Options>('{ maxKeys?, now? }', {
  maxKeys: whole('keys', 1, 16_777_216).optional(), // a Map of V8 holds no more
  now: fn<() => number>('() => milliseconds').optional(),
})

/** Milliseconds to wait after a slot refused: it is unknown when a download ends. */
const SLOT_RETRY_MS = 1_000

/**
 * Creates a limiter that counts quotas and slots in this process. N processes admit N times as much;
 * `@sallyport/redis-limiter` counts all processes together.
 *
 * Memory is bounded. Each quota name has its own table, and each level of its `coarser` keys has one, too. So clients without a
 * token, who can fill the table of addresses, take no room from principals. A table has at most `maxKeys` buckets. Its first use
 * allocates 28 bytes for each of them, and each bucket that exists takes about 300. A key with an open download takes 150 bytes.
 *
 * A bucket is evicted only once it has refilled, so nobody can reset a bucket by creating other keys. If no bucket can be
 * evicted, a new key is counted under its first `coarser` key whose table has room (a wider network, say). If none has room, all
 * such keys share one bucket of the quota. A changed quota starts with a full bucket.
 *
 * `admit` rejects with a RangeError if it cannot count an ask exactly: a member of a quota is not a whole number from 1, or
 * `capacity · perMs` is not below 2^53 (after `refill` and `perMs` are divided by their greatest common divisor); the cost is above
 * a capacity, or with `allowDebt` the sum of both times `perMs` is not below 2^53; a limit or the cost is not a whole number from 0; a
 * name or key occurs twice. If the signal has fired, it rejects with the signal's reason and takes nothing.
 *
 * @param options - `maxKeys`: a whole number from 1 to 16,777,216. `now`: a clock in milliseconds. If the clock goes back, buckets
 *   refill from the new time
 * @defaultValue `maxKeys` 100_000; `now` a monotonic clock
 * @throws TypeError if an option is wrong or unknown
 */
export function createMemoryLimiter(
  options: { readonly maxKeys?: number; readonly now?: () => number } = {},
): RateLimiter {
  checkOptions('createMemoryLimiter', options, optionsCheck)
  const { maxKeys = 100_000, now = () => performance.now() } = options
  const tables = new Map<string, BucketTable[]>()
  const sharedBuckets = createSharedBuckets()
  const slots = createSlotTable()
  const nowMs = (): number => Math.floor(now())

  const tableOf = (name: string, level: number): BucketTable => {
    const levels = tables.get(name) ?? []
    if (levels.length === 0) tables.set(name, levels)
    return (levels[level] ??= createBucketTable(maxKeys))
  }

  /** Finds or makes the bucket for a quota. A new bucket is put into its table only when it is charged. */
  const locate = ({ name, key, coarser = [], quota }: AskedQuota, at: number): Location => {
    const { capacity, refill, perMs } = quota
    for (let level = 0; level <= coarser.length; level += 1) {
      const table = tableOf(name, level)
      const id = keyName([capacity, refill, perMs, ...(coarser[level - 1] ?? key)])
      const known = table.find(id)
      if (known || table.makeRoom(at)) return { table, id, bucket: known ?? newBucket(name, quota, at) }
    }
    const id = keyName([capacity, refill, perMs, name])
    return { table: sharedBuckets, id, bucket: sharedBuckets.find(id) ?? newBucket(name, quota, at) }
  }

  const openAccount = (asked: AskedQuota, { cost, allowDebt }: AdmissionAsk, at: number): Account => {
    const { table, id, bucket } = locate(asked, at)
    const { name } = asked
    const price = cost * bucket.perToken
    if (allowDebt !== true && price > bucket.full)
      throw new RangeError(`quota "${name}": the cost is above the capacity`)
    if (allowDebt === true && !Number.isSafeInteger(bucket.full + price))
      throw new RangeError(`quota "${name}": capacity plus cost, times perMs, must be below 2^53`)
    // If the clock went back, the bucket refills from the new time.
    bucket.at = Math.min(bucket.at, at)
    const credit = refilled(bucket, bucket.credit, at - bucket.at)
    const needed = allowDebt === true ? bucket.perToken : Math.max(price, bucket.perToken)
    return { name, table, id, bucket, credit, price, needed }
  }

  /** Returns a function that refunds tokens, at most `cost` in all calls together. */
  const refunder = (accounts: readonly Account[], cost: number): ((tokens: number) => void) => {
    let taken = cost
    return (tokens) => {
      const back = Math.min(taken, isWhole(tokens) ? tokens : 0)
      if (back === 0) return
      taken -= back
      const at = nowMs()
      for (const { table, id } of accounts) {
        // The bucket of the key now: the charged one may have refilled and been evicted since. A missing bucket is full.
        const bucket = table.find(id)
        if (!bucket) continue
        const credit = refilled(bucket, bucket.credit, at - bucket.at)
        bucket.credit = Math.min(bucket.full, credit + back * bucket.perToken)
        bucket.at = at
        if (bucket.credit === bucket.full) table.drop(id)
      }
    }
  }

  const acquireSlots = (names: readonly string[]): (() => void) => {
    if (names.length === 0) return nothing
    let held = true
    for (const name of names) slots.acquire(name)
    return () => {
      if (held) for (const name of names) slots.release(name)
      held = false
    }
  }

  const admit = (ask: AdmissionAsk): Admission => {
    const at = nowMs()
    check(ask)
    const accounts = ask.quotas.map((asked) => openAccount(asked, ask, at))
    const held = ask.slots.map(({ key }) => keyName(key))
    requireDistinct(held)

    const short = accounts.filter((account) => waitMs(account) > 0)
    const by =
      short[0]?.name ?? ask.slots.find(({ limit }, index) => slots.count(held[index] ?? '') >= limit)?.name
    if (by !== undefined) {
      const retryAfterMs = short.length > 0 ? Math.max(...short.map(waitMs)) : SLOT_RETRY_MS
      return { admitted: false, left: accounts.map((account) => leftIn(account, 0)), by, retryAfterMs }
    }
    if (ask.cost > 0) for (const account of accounts) charge(account, at)
    return {
      admitted: true,
      left: accounts.map((account) => leftIn(account, account.price)),
      release: acquireSlots(held),
      refund: refunder(accounts, ask.cost),
    }
  }

  return {
    admit: async (ask, signal) => {
      signal.throwIfAborted()
      return admit(ask)
    },
  }
}

type AskedQuota = AdmissionAsk['quotas'][number]

/** The bucket of a quota, and its table. */
interface Location {
  readonly table: Omit<BucketTable, 'makeRoom'>
  readonly id: string
  readonly bucket: Bucket
}

/** The state of a quota during one ask. */
interface Account extends Location {
  readonly name: string
  /** The credit in the bucket now. */
  readonly credit: number
  /** The credit that this ask takes. */
  readonly price: number
  /** The credit that the bucket must hold to admit this ask. */
  readonly needed: number
}

const newBucket = (name: string, quota: Quota, at: number): Bucket => {
  const { full, perToken, gainPerMs } = bucketRule(name, quota)
  return { full, perToken, gainPerMs, credit: full, at }
}

const charge = ({ table, id, bucket, credit, price }: Account, at: number): void => {
  bucket.credit = credit - price
  bucket.at = at
  table.keep(id, bucket)
}

/** The wait is exact: after it, the same ask is admitted if no other ask came first. A cost of 0 waits for one token. */
const waitMs = ({ bucket, credit, needed }: Account): number => msUntil(bucket, credit, needed)

const leftIn = ({ name, bucket, credit }: Account, price: number): QuotaLeft => ({
  name,
  tokens: wholeTokens(bucket, credit - price),
  nextMs: msUntilNext(bucket, credit - price),
})

const check = ({ cost, quotas, slots }: AdmissionAsk): void => {
  if (!isWhole(cost)) throw new RangeError('the cost must be a whole number from 0')
  for (const { name, limit } of slots)
    if (!isWhole(limit)) throw new RangeError(`slot "${name}": the limit must be a whole number from 0`)
  requireDistinct(quotas.map(({ name }) => name))
  if (quotas.length > 1) requireDistinct(quotas.map(({ key }) => keyName(key)))
}

const requireDistinct = (names: readonly string[]): void => {
  if (names.length > 1 && names.some((name, index) => names.indexOf(name) !== index))
    throw new RangeError('two quotas or slots of one ask share a name or a key')
}

const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
const nothing = (): void => undefined

/** Keeps one bucket for each quota, for all keys that have no room in a table. */
function createSharedBuckets(): Omit<BucketTable, 'makeRoom'> {
  const buckets = new Map<string, Bucket>()
  return {
    find: (id) => buckets.get(id),
    keep: (id, bucket) => {
      buckets.set(id, bucket)
    },
    drop: (id) => {
      buckets.delete(id)
    },
  }
}

/** Counts the slots in use under each name. A name without one takes no memory. */
interface SlotTable {
  count(name: string): number
  acquire(name: string): void
  release(name: string): void
}

function createSlotTable(): SlotTable {
  const open = new Map<string, number>()
  const count = (name: string): number => open.get(name) ?? 0
  return {
    count,
    acquire: (name) => {
      open.set(name, count(name) + 1)
    },
    release: (name) => {
      if (count(name) > 1) open.set(name, count(name) - 1)
      else open.delete(name)
    },
  }
}
