import { randomUUID } from 'node:crypto'

import { withDeadline } from '@sallyport/core'
import type { AdmissionAsk } from '@sallyport/core'

import { createBreaker } from './breaker.ts'
import { createLeases } from './leases.ts'
import { nameKeys } from './names.ts'
import type { RedisLimiterOptions } from './options.ts'
import type { Outage } from './outage.ts'
import { createScript } from './script.ts'
import { admitArgs, admitScript } from './scripts.ts'
import { readVerdict } from './verdict.ts'
import type { Verdict } from './verdict.ts'

/** What all processes count together, as far as Redis answers. */
export interface Fleet {
  /** @throws RangeError for keys that do not go together */
  claim(ask: AdmissionAsk): Claim
  /** Milliseconds until Redis is asked again; 0: with the next request. */
  pauseMs(): number
}

/** What one request claims of the fleet's quotas and places. */
export interface Claim {
  /** `undefined`: there is no answer. Rejects only with the signal's reason. */
  ask(signal: AbortSignal): Promise<Verdict | undefined>
  /** Keeps the places until what it gives is called, also those that Redis has yet to hear of. */
  hold(): () => void
  /** Gives back what Redis may have taken without our hearing of it. */
  letGo(): void
}

export function createFleet(
  { send, prefix, timeoutMs, leaseMs }: Required<RedisLimiterOptions>,
  outage: Outage,
): Fleet {
  const breaker = createBreaker()
  const script = createScript(send, admitScript())
  const leases = createLeases({
    send,
    leaseMs,
    waitMs: 2 * timeoutMs,
    isReachable: () => breaker.pauseMs() === 0,
    onFailure: (cause) => outage.tell('limiter_renewal_failed', cause),
  })
  const processId = randomUUID()
  let claims = 0

  const claim = (ask: AdmissionAsk): Claim => {
    const { tag, quotas, slots } = nameKeys(prefix, ask)
    claims += 1
    const lease = { id: `${processId}:${claims.toString(36)}`, tag, keys: slots }
    const run = { keys: [...quotas, ...slots], args: admitArgs(ask, lease.id, leaseMs) }
    let isUnheard = false

    const drop = (): void => {
      if (leases.isHeld(lease)) leases.drop(lease)
    }
    const letGo = (): void => {
      if (isUnheard && !leases.isHeld(lease)) leases.drop(lease)
    }
    const heard = (verdict: Verdict): Verdict => {
      isUnheard = false
      breaker.answered()
      if (outage.answered()) leases.renew()
      return verdict
    }

    return {
      ask: async (signal) => {
        if (!breaker.mayCall()) return undefined
        const call = async (own: AbortSignal): Promise<Verdict> => {
          isUnheard = true
          return readVerdict(await script(run, () => !own.aborted), ask)
        }
        try {
          return heard(await withDeadline(call, { ms: timeoutMs, signal, late: letGo }))
        } catch (error) {
          if (!signal.aborted) {
            breaker.failed()
            outage.failed(error)
            return undefined
          }
          breaker.undecided()
          letGo()
          throw error
        }
      },
      hold: () => {
        leases.hold(lease)
        return drop
      },
      letGo,
    }
  }

  return { claim, pauseMs: () => breaker.pauseMs() }
}
