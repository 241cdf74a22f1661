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
 * Counts quotas and places of all processes that share one Redis: one atomic script per request, on the server's clock.
 * For Redis 5 or later and its clusters, by any client. The keys of one ask must share their first part, which chooses
 * the node.
 *
 * A place is a lease: given back when the download ends, and within `leaseMs` by itself where its process died. Places
 * under the key `['total']` are each process's own, and are asked first; refused there, `left` is empty.
 *
 * No request waits longer for Redis than `timeoutMs`, and after 5 failures in a row none does for 1 to 2 seconds. Without
 * an answer `onOutage` holds. `onTrouble` tells `limiter_local` or `limiter_closed` when that begins, `limiter_back` when
 * it is over, and `limiter_renewal_failed` where leases could not be renewed.
 *
 * Redis must evict nothing (`noeviction`, its default): an evicted bucket is a full one. Its user needs `EVALSHA`, `EVAL`,
 * `ZREM`, and inside the scripts `TIME`, `HMGET`, `HSET`, `PEXPIRE`, `PTTL`, `ZADD`, `ZCOUNT` and `ZREMRANGEBYSCORE`.
 *
 * Like the memory limiter's, `admit` rejects with a RangeError what can never be answered right.
 *
 * @throws RangeError or TypeError that names the wrong option
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
    const place = await here.admit(processAsk(ask), signal)
    if (!place.admitted || asked.quotas.length + asked.slots.length === 0) return place
    const leave = (): void => place.release()
    const verdict = await claim.ask(signal).catch((gone: unknown) => {
      leave()
      throw gone
    })
    if (verdict?.admitted) return { ...verdict, release: both(claim.hold(), leave) }
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

/** From a second on, and not all at once. */
const soon = (pauseMs: number): number => Math.max(1_000, pauseMs) + Math.floor(Math.random() * 1_000)
