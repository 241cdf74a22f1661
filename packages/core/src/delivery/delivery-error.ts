import type { Outcome } from '../ports.ts'

/** Why a delivery ended before its last byte. The connection is cut with it; `cause` reaches events only. */
export class DeliveryError extends Error {
  readonly outcome: Outcome

  constructor(outcome: Outcome, cause?: unknown) {
    super(outcome, { cause })
    this.name = 'DeliveryError'
    this.outcome = outcome
  }
}
