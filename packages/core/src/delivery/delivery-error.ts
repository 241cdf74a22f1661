import type { Outcome } from '../events.ts'
import type { TroubleCode } from '../refusals.ts'
import { isTroubleCode, refusalCause, refusalDetail } from '../refusals.ts'
import { DeadlineError } from '../waiting.ts'

/** Why a delivery ended before its last byte. The connection is cut with it; `cause` reaches events only. */
export class DeliveryError extends Error {
  readonly outcome: Outcome
  /** The code of the `trouble` event to report with it. `undefined`: none, or it has been reported. */
  readonly trouble: TroubleCode<'store'> | undefined

  /** @param trouble - `null`: none. Absent: the code of the same name as the outcome, if there is one */
  constructor(outcome: Outcome, cause?: unknown, trouble?: TroubleCode<'store'> | null) {
    super(outcome, { cause })
    this.name = 'DeliveryError'
    this.outcome = outcome
    this.trouble = trouble === undefined && isTroubleCode('store', outcome) ? outcome : (trouble ?? undefined)
  }
}

/** The outcome of a download that ends with a thrown value. Whatever is neither of ours nor a refusal is a bug. */
export const outcomeOf = (thrown: unknown): Outcome =>
  thrown instanceof DeliveryError || refusalDetail(thrown) ? storeFault(thrown).outcome : 'failed'

/** What an error of the store means for a download that wants to open the object. */
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

/** What an error of a body that is being read means: the store broke off or fell silent, unless it says that it was wrong. */
export function bodyFault(error: unknown): DeliveryError {
  const fault = storeFault(error)
  return canReopen(fault) ? new DeliveryError(fault.outcome, fault.cause) : fault
}

/** Whether opening the object again may help. */
export const canReopen = ({ outcome }: DeliveryError): boolean =>
  outcome === 'store_cut' || outcome === 'store_stalled'
