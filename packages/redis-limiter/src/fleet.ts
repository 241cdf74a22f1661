import { randomUUID } from 'node:crypto'

import { createBreaker, withDeadline } from '@sallyport/core'
import type { AdmissionAsk } from '@sallyport/core'

import { createLeases } from './leases.ts'
import { nameKeys } from './names.ts'
import type { RedisLimiterOptions } from './options.ts'
import type { Outage } from './outage.ts'
import { createScript, isWrongType } from './script.ts'
import { admitArgs, admitScript, refundArgs, refundScript } from './scripts.ts'
import { readVerdict } from './verdict.ts'
import type { Verdict } from './verdict.ts'

/** Counts the limits that all processes share, in Redis. */
export interface Fleet {
  /**
   * Begins the use of the shared limits for one request. Sends nothing yet.
   *
   * @throws RangeError for an ask that names one bucket or slot twice
   */
  claim(ask: AdmissionAsk): Claim
  /** Milliseconds until a request is sent to Redis again; 0: the next one is. */
  pauseMs(): number
}

/** One request's use of the shared limits. */
export interface Claim {
  /** Asks Redis. `undefined`: Redis gave no usable answer. Rejects only with the signal's reason. */
  ask(signal: AbortSignal): Promise<Verdict | undefined>
  /** Renews the slots until the returned function is called, also slots that Redis does not know of yet. */
  hold(): () => void
  /** Returns tokens, at most the cost in all calls together. Does not wait for Redis. */
  refund(tokens: number): void
  /** Releases the slots that Redis may have taken, if its answer never came. */
  releaseUnconfirmed(): void
}

export function createFleet(
  { send, prefix, timeoutMs, leaseMs }: Required<RedisLimiterOptions>,
  outage: Outage,
): Fleet {
  const breaker = createBreaker({ failures: 5, pause: { leastMs: 1_000, mostMs: 2_000 } })
  const script = createScript(send, admitScript())
  const refundText = refundScript()
  const leases = createLeases({
    send,
    leaseMs,
    waitMs: 2 * timeoutMs,
    isReachable: () => breaker.pauseMs() === 0,
    onFailure: (cause) => outage.report('limiter_renewal_failed', cause),
  })
  const processId = randomUUID()
  let claims = 0

  const claim = (ask: AdmissionAsk): Claim => {
    const { tag, quotas, slots } = nameKeys(prefix, ask)
    claims += 1
    const lease = { id: `${processId}:${claims.toString(36)}`, tag, keys: slots }
    const run = { keys: [...quotas, ...slots], args: admitArgs(ask, lease.id, leaseMs) }
    let isUnconfirmed = false
    let refundable = ask.cost

    const drop = (): void => {
      if (leases.isHeld(lease)) leases.drop(lease)
    }
    const releaseUnconfirmed = (): void => {
      if (isUnconfirmed && !leases.isHeld(lease)) leases.drop(lease)
    }
    const confirmed = (verdict: Verdict): Verdict => {
      isUnconfirmed = false
      if (outage.answered()) leases.renew()
      return verdict
    }

    return {
      ask: async (signal) => {
        const report = breaker.enter()
        if (!report) return undefined
        const call = async (own: AbortSignal): Promise<Verdict> => {
          isUnconfirmed = true
          return readVerdict(await script(run, () => !own.aborted), ask)
        }
        try {
          const verdict = await withDeadline(call, { ms: timeoutMs, signal, late: releaseUnconfirmed })
          report('answered')
          return confirmed(verdict)
        } catch (error) {
          if (!signal.aborted && isWrongType(error)) {
            isUnconfirmed = false
            report('answered')
            outage.keyFailed(error)
            return undefined
          }
          if (!signal.aborted) {
            report('failed')
            outage.failed(error)
            return undefined
          }
          report('neither')
          releaseUnconfirmed()
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
        // Use EVAL, not EVALSHA: a retry after NOSCRIPT would come after the next ask, which may need these tokens.
        sendIgnoringErrors(() => send(['EVAL', refundText, ...args], quotas[0] ?? ''))
      },
      releaseUnconfirmed,
    }
  }

  return { claim, pauseMs: () => breaker.pauseMs() }
}

/** Also ignores an error that the client throws synchronously. */
function sendIgnoringErrors(call: () => Promise<unknown>): void {
  const called = async (): Promise<unknown> => call()
  called().catch(() => undefined)
}
