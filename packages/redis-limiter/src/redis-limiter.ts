import { createMemoryLimiter, refuse } from '@sallyport/core'
import type { Admission, AdmissionAsk, RateLimiter } from '@sallyport/core'

import { checkAsk, fleetAsk, processAsk, shareOf } from './asks.ts'
import { createFleet } from './fleet.ts'
import type { Claim } from './fleet.ts'
import { checked } from './options.ts'
import type { RedisLimiterOptions } from './options.ts'
import { createOutage } from './outage.ts'

export type { RedisLimiterOptions } from './options.ts'
export type { Command, Send } from './script.ts'

/**
 * Counts quotas and slots of all processes that share one Redis: one atomic script per request, on the server's clock. If that
 * clock jumps back, buckets go on refilling from there.
 * For Redis 5 or later and its clusters, by any client. The partition of an ask chooses the node.
 *
 * A slot is a lease: given back when the download ends, and within `leaseMs` by itself if its process died. Slots of scope
 * `'process'` are counted in this process, before Redis is asked; if they refuse, `left` is empty.
 *
 * No request waits longer for Redis than `timeoutMs`, and after 5 failures in a row none does for 1 to 2 seconds. An answer that
 * is not the script's is a failure, too. Without an answer `onOutage` decides. `onTrouble` reports `limiter_local` or
 * `limiter_closed` when an outage begins, `limiter_back` when it is over, `limiter_renewal_failed` when leases could not be renewed,
 * and `limiter_key_unusable` when another program keeps a value of another type under one of the keys: then `onOutage` decides about
 * requests that need this key, and about no others.
 *
 * Redis must evict nothing (`noeviction`, its default): an evicted bucket is a full one. Its user needs `EVALSHA`, `EVAL`,
 * `ZREM`, and inside the scripts `TIME`, `HMGET`, `HSET`, `DEL`, `TYPE`, `PEXPIRE`, `PTTL`, `ZADD`, `ZCOUNT`, `ZRANGEBYSCORE`
 * and `ZREMRANGEBYSCORE`.
 *
 * Like the memory limiter's, `admit` rejects with a RangeError for what it cannot count exactly.
 *
 * @throws TypeError at creation, naming each wrong option
 */
export function createRedisLimiter(options: RedisLimiterOptions): RateLimiter {
  const filled = checked(options)
  const { onOutage, processes } = filled
  const here = createMemoryLimiter()
  const outage = createOutage(onOutage === 'closed' ? 'limiter_closed' : 'limiter_local')
  const fleet = createFleet(filled, outage)

  const admitShare = async (ask: AdmissionAsk, claim: Claim, signal: AbortSignal): Promise<Admission> => {
    const admission = await here.admit(shareOf(ask, processes), signal)
    if (!admission.admitted) return admission
    return { ...admission, release: both(claim.hold(), () => admission.release()) }
  }

  const withoutRedis = async (ask: AdmissionAsk, claim: Claim, signal: AbortSignal): Promise<Admission> => {
    try {
      if (onOutage === 'closed') refuse('unavailable', { retryAfterMs: soon(fleet.pauseMs()) })
      return await admitShare(ask, claim, signal)
    } finally {
      claim.letGo()
    }
  }

  const admit = async (ask: AdmissionAsk, signal: AbortSignal): Promise<Admission> => {
    checkAsk(ask)
    const asked = fleetAsk(ask)
    const claim = fleet.claim(asked)
    const own = await here.admit(processAsk(ask), signal)
    if (!own.admitted || asked.quotas.length + asked.slots.length === 0) return own
    const leave = (): void => own.release()
    const verdict = await claim.ask(signal).catch((gone: unknown) => {
      leave()
      throw gone
    })
    if (verdict?.admitted)
      return {
        ...verdict,
        release: both(claim.hold(), leave),
        refund: (tokens) => claim.refund(tokens),
      }
    leave()
    return verdict ?? withoutRedis(ask, claim, signal)
  }

  return { admit, onTrouble: outage.onTrouble }
}

const both =
  (one: () => void, two: () => void): (() => void) =>
  () => {
    one()
    two()
  }

/** At least a second, randomized so that refused callers do not all come back at once. */
const soon = (pauseMs: number): number => Math.max(1_000, pauseMs) + Math.floor(Math.random() * 1_000)
