import { setTimeout as delay } from 'node:timers/promises'

import { refusalDetail } from '../refusals.ts'
import { DeliveryError, outcomeOf } from './delivery-error.ts'
import type { Heal } from './resume.ts'
import type { RetryBudget } from './retry-budget.ts'
import { retryWindowMs } from './retry-budget.ts'

/** How long an outage is fought. */
export interface HealTerms {
  /** Re-opens in a row without a byte. */
  readonly attempts: number
  /** Milliseconds for one outage. */
  readonly withinMs: number
  /** Shared by all downloads: an outage cuts them in one instant, and must not be answered by all of them in the next. */
  readonly retries: RetryBudget
  readonly signal: AbortSignal
  /** Told once per outage. */
  readonly onOutage: (error: unknown) => void
  readonly random: () => number
}

/**
 * Waits, longer each time and never two downloads alike, until the time of the outage is spent; and then for its turn,
 * where too many try again at once.
 */
export function createHeal({ attempts, withinMs, retries, signal, onOutage, random }: HealTerms): Heal {
  const wait = (ms: number): Promise<void> =>
    delay(ms, undefined, { signal }).catch(() => signal.throwIfAborted())
  let tries = 0
  let outageAt: number | undefined
  let outageSince = 0
  return async (error, position) => {
    signal.throwIfAborted()
    const end = endOf(error)
    if (!end.heals) throw end.error
    if (position !== outageAt) {
      outageAt = position
      outageSince = performance.now()
      tries = 0
      onOutage(error)
    }
    const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** tries) * (0.5 + random())
    tries += 1
    if (tries > attempts || performance.now() + waitMs - outageSince > withinMs) throw end.error
    await wait(waitMs)
    const turnBy = Math.min(outageSince + withinMs, performance.now() + retryWindowMs)
    while (!retries.spend()) {
      if (performance.now() > turnBy) throw end.error
      await wait(turnMs * (0.5 + random()))
    }
  }
}

const firstWaitMs = 50
const longestWaitMs = 2_000
const turnMs = 500

/** What an error of the store means for the download, and whether asking again may heal it. */
function endOf(error: unknown): { readonly error: DeliveryError; readonly heals: boolean } {
  const foreign = !(error instanceof DeliveryError) && !refusalDetail(error)
  const outcome = foreign ? 'store_cut' : outcomeOf(error)
  const heals = outcome === 'store_cut' || outcome === 'store_stalled'
  return { error: error instanceof DeliveryError ? error : new DeliveryError(outcome, error), heals }
}
