import { randomUUID } from 'node:crypto'

import { withDeadline } from '@sallyport/core'
import type { AdmissionAsk } from '@sallyport/core'

import { createBreaker } from './breaker.ts'
import { createLeases } from './leases.ts'
import { nameKeys } from './names.ts'
import type { RedisLimiterOptions } from './options.ts'
import type { Outage } from './outage.ts'
import { createScript, isWrongType } from './script.ts'
import { admitArgs, admitScript, refundArgs, refundScript } from './scripts.ts'
import { readVerdict } from './verdict.ts'
import type { Verdict } from './verdict.ts'

/** The limits that all processes share, counted in Redis. */
export interface Fleet {
  /** @throws RangeError for an ask that names one bucket or slot twice */
  claim(ask: AdmissionAsk): Claim
  /** Milliseconds until Redis is asked again; 0: with the next request. */
  pauseMs(): number
}

/** One request's use of the shared limits. */
export interface Claim {
  /** `undefined`: Redis gave no usable answer. Rejects only with the signal's reason. */
  ask(signal: AbortSignal): Promise<Verdict | undefined>
  /** Keeps the slots until the returned function is called, also those that Redis has not heard of yet. */
  hold(): () => void
  /** Gives tokens of the cost back, at most the cost in all. Does not wait for Redis. */
  refund(tokens: number): void
  /** Gives back the slots that Redis may have taken although its answer did not reach us. */
  letGo(): void
}

export function createFleet(
  { send, prefix, timeoutMs, leaseMs }: Required<RedisLimiterOptions>,
  outage: Outage,
): Fleet {
  const breaker = createBreaker()
  const script = createScript(send, admitScript())
  const refundText = refundScript()
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
    let refundable = ask.cost

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
          if (!signal.aborted && isWrongType(error)) {
            isUnheard = false
            breaker.answered()
            outage.keyFailed(error)
            return undefined
          }
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
      refund: (tokens) => {
        const back = Math.min(refundable, Number.isSafeInteger(tokens) && tokens > 0 ? tokens : 0)
        if (back === 0 || quotas.length === 0 || breaker.pauseMs() > 0) return
        refundable -= back
        const args = [String(quotas.length), ...quotas, ...refundArgs(ask, back)]
        // EVAL, not EVALSHA: a retry after NOSCRIPT would come behind the next ask, which may need these tokens.
        quietly(() => send(['EVAL', refundText, ...args], quotas[0] ?? ''))
      },
      letGo,
    }
  }

  return { claim, pauseMs: () => breaker.pauseMs() }
}

/** A client may throw instead of rejecting. */
function quietly(call: () => Promise<unknown>): void {
  const called = async (): Promise<unknown> => call()
  called().catch(() => undefined)
}
