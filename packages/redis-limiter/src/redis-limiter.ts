import { createMemoryLimiter, refuse } from '@sallyport/core'
import type { Admission, AdmissionAsk, RateLimiter } from '@sallyport/core'

import { checkAsk, fleetAsk, processAsk, shareOf } from './asks.ts'
import { createFleet } from './fleet.ts'
import type { Claim } from './fleet.ts'
import { resolveOptions } from './options.ts'
import type { RedisLimiterOptions } from './options.ts'
import { createOutage } from './outage.ts'

export type { RedisLimiterOptions } from './options.ts'
export type { Command, Send } from './script.ts'

/**
 * Creates a limiter that counts the quotas and slots of all processes in one Redis. Each request runs one atomic script, on the
 * clock of the Redis server. If that clock jumps back, buckets refill from the new time. It works with Redis 5 or later, with
 * clusters, and with any client. The partition of an ask chooses the node.
 *
 * A slot is a lease. It is released when the download ends; if its process died, it expires within `leaseMs`. Slots of scope
 * `'process'` are counted in this process, before the request to Redis. If one of them refuses, `left` is empty.
 *
 * A request waits for Redis for at most `timeoutMs`. After 5 failures in a row, none is sent to Redis for 1 to 2 seconds. A
 * malformed answer is a failure, too. Without a usable answer, `onOutage` decides.
 *
 * `onTrouble` reports `limiter_local` or `limiter_closed` when an outage begins, `limiter_back` when it is over, and
 * `limiter_renewal_failed` when leases could not be renewed. It reports `limiter_key_unusable` when another program keeps a value
 * of another type under one of the keys; then `onOutage` decides for the requests that need this key, and for no others.
 *
 * Redis must not evict keys (`noeviction`, its default), because an evicted bucket counts as full. The Redis user needs
 * `EVALSHA`, `EVAL`, `ZREM`, and inside the scripts `TIME`, `HMGET`, `HSET`, `DEL`, `TYPE`, `PEXPIRE`, `PTTL`, `ZADD`, `ZCOUNT`,
 * `ZRANGEBYSCORE` and `ZREMRANGEBYSCORE`.
 *
 * As with the memory limiter, `admit` rejects with a RangeError for an ask that it cannot count exactly.
 *
 * @throws TypeError at creation, naming each wrong option
 */
export function createRedisLimiter(options: RedisLimiterOptions): RateLimiter {
  const filled = resolveOptions(options)
  const { onOutage, processes } = filled
  const memory = createMemoryLimiter()
  const outage = createOutage(onOutage === 'closed' ? 'limiter_closed' : 'limiter_local')
  const fleet = createFleet(filled, outage)

  const admitShare = async (ask: AdmissionAsk, claim: Claim, signal: AbortSignal): Promise<Admission> => {
    const admission = await memory.admit(shareOf(ask, processes), signal)
    if (!admission.admitted) return admission
    return { ...admission, release: both(claim.hold(), () => admission.release()) }
  }

  const withoutRedis = async (ask: AdmissionAsk, claim: Claim, signal: AbortSignal): Promise<Admission> => {
    try {
      if (onOutage === 'closed') refuse('unavailable', { retryAfterMs: retryAfterMs(fleet.pauseMs()) })
      return await admitShare(ask, claim, signal)
    } finally {
      claim.releaseUnconfirmed()
    }
  }

  const admit = async (ask: AdmissionAsk, signal: AbortSignal): Promise<Admission> => {
    checkAsk(ask)
    const asked = fleetAsk(ask)
    const claim = fleet.claim(asked)
    const own = await memory.admit(processAsk(ask), signal)
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

/** At least a second, randomized so that refused callers do not all retry at the same time. */
const retryAfterMs = (pauseMs: number): number => Math.max(1_000, pauseMs) + Math.floor(Math.random() * 1_000)
