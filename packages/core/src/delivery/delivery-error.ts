import type { Outcome } from '../events.ts'
import type { TroubleCode } from '../refusals.ts'
import { isTroubleCode, refusalCause, refusalDetail } from '../refusals.ts'
import { DeadlineError } from '../waiting.ts'

/** The error that ends a delivery before its last byte. The connection is cut. `cause` reaches only events. */
export class DeliveryError extends Error {
  readonly outcome: Outcome
  /** The code of the `trouble` event to report. `undefined`: there is none, or it has been reported. */
  readonly trouble: TroubleCode<'store'> | undefined

  /** @param trouble - `null`: there is none. Absent: the code with the same name as the outcome, if there is one */
  constructor(outcome: Outcome, cause?: unknown, trouble?: TroubleCode<'store'> | null) {
    super(outcome, { cause })
    this.name = 'DeliveryError'
    this.outcome = outcome
    this.trouble = trouble === undefined && isTroubleCode('store', outcome) ? outcome : (trouble ?? undefined)
  }
}

/** The outcome of a download that ended with a thrown value. `failed`: the value is neither a `DeliveryError` nor a refusal. */
export const outcomeOf = (thrown: unknown): Outcome =>
  thrown instanceof DeliveryError || refusalDetail(thrown) ? storeFault(thrown).outcome : 'failed'

/** Classifies an error from opening an object. */
export function storeFault(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error
  if (error instanceof DeadlineError) return new DeliveryError('store_stalled', error)
  const detail = refusalDetail(error)
  if (!detail) return new DeliveryError('store_cut', error, 'store_failed')
  const cause = refusalCause(error)
  const trouble = isTroubleCode('store', detail.trouble) ? detail.trouble : undefined
  if (detail.kind === 'object_changed') return new DeliveryError('object_changed', cause)
  if (detail.kind !== 'unavailable') return new DeliveryError('store_wrong', cause, trouble)
  if (trouble === 'store_silent' || trouble === 'store_stalled')
    return new DeliveryError('store_stalled', cause)
  return new DeliveryError('store_cut', cause, trouble ?? 'store_unavailable')
}

/**
 * Classifies an error from reading an open body. If opening the object again may help, it is a cut or a stall, with the trouble
 * code of its outcome. Any other error is classified as when opening.
 */
export function bodyFault(error: unknown): DeliveryError {
  const fault = storeFault(error)
  return canReopen(fault) ? new DeliveryError(fault.outcome, fault.cause) : fault
}

/** Whether opening the object again may help: the store cut the body, stalled, or gave no answer. */
export const canReopen = ({ outcome }: DeliveryError): boolean =>
  outcome === 'store_cut' || outcome === 'store_stalled'
