import type { Outcome } from '../ports.ts'
import { refusalDetail } from '../refusals.ts'

/** Why a delivery ended before its last byte. The connection is cut with it; `cause` reaches events only. */
export class DeliveryError extends Error {
  readonly outcome: Outcome

  constructor(outcome: Outcome, cause?: unknown) {
    super(outcome, { cause })
    this.name = 'DeliveryError'
    this.outcome = outcome
  }
}

/** How a thrown thing ends a delivery. */
export function outcomeOf(thrown: unknown): Outcome {
  if (thrown instanceof DeliveryError) return thrown.outcome
  const kind = refusalDetail(thrown)?.kind
  if (kind === 'object_changed') return 'object_changed'
  return kind === 'unavailable' ? 'store_cut' : 'failed'
}
