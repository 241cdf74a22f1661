import { parseByteRanges } from '../http/byte-range.ts'
import type { FilledLimits } from '../options/resolve-options.ts'
import type { Admission, AdmissionAsk, Principal, Tenant } from '../ports.ts'
import { refusal } from '../refusals.ts'
import type { ExportRequest } from '../request-response.ts'
import {
  admissionAsk,
  admissionFields,
  checkAdmission,
  costOfPlan,
  costOfRequest,
  debtAsk,
  debtRetryMs,
  leftAfterRefund,
  notAdmitted,
} from '../steps/admit.ts'
import type { Route } from '../steps/check-method.ts'
import type { Exchange } from './exchange.ts'
import type { OpenedExport } from './open-export.ts'

/** A call of the limiter and its answer. */
export interface AskedAdmission {
  readonly asked: AdmissionAsk
  readonly admission: Admission
  /** The RateLimit header fields for the response. */
  readonly fields: Readonly<Record<string, string>>
}

/**
 * Asks the limiter for quotas and slots in one step. Slots are released when the exchange ends. A request for a ticket costs as much
 * as a HEAD and takes no slot, so that it is admitted while downloads run.
 */
export async function askAdmission<T extends Tenant>(
  route: Route,
  request: ExportRequest,
  principal: Principal,
  tenant: T,
  limits: FilledLimits<T>,
  exchange: Exchange,
): Promise<AskedAdmission> {
  return exchange.callPort('limiter', async (signal) => {
    const isRange = parseByteRanges(request.header('range')) !== undefined
    const cost = route === 'ticket' ? limits.cost.head : costOfRequest(request.method, isRange, limits.cost)
    const ask = admissionAsk(principal, tenant, limits, cost)
    const asked = route === 'ticket' ? { ...ask, slots: [] } : ask
    const admission = checkAdmission(await limits.limiter.admit(asked, signal))
    // Registered here, so that the slots are also released if the exchange ended before the limiter answered.
    if (admission.admitted) exchange.onEnd(() => admission.release())
    return { asked, admission, fields: admissionFields(asked, admission, limits.legacyFields) }
  })
}

/**
 * Corrects the cost once the plan is known: takes the missing tokens from the same quotas, or refunds the excess. Refuses
 * `rate_limited` if a quota has too few tokens.
 *
 * @returns the RateLimit header fields afterwards
 */
export async function settleCost<T extends Tenant>(
  method: string,
  { plan, info }: OpenedExport,
  { asked, admission, fields }: AskedAdmission,
  { cost, limiter, legacyFields }: FilledLimits<T>,
  exchange: Exchange,
): Promise<AskedAdmission['fields']> {
  const price = costOfPlan(method, plan, info.size, cost)
  const excess = asked.cost - price
  if (excess > 0 && admission.admitted) {
    admission.refund(excess)
    const left = leftAfterRefund(asked, admission.left, excess)
    return admissionFields(asked, { left }, legacyFields)
  }
  const debt = debtAsk(asked, price)
  if (debt.cost === 0) return fields
  const settled = await exchange.callPort('limiter', async (signal) =>
    checkAdmission(await limiter.admit(debt, signal)),
  )
  if (settled.admitted) return admissionFields(debt, settled, legacyFields)
  const retryAfterMs = debtRetryMs(asked, settled.retryAfterMs)
  throw refusal({ kind: 'rate_limited', retryAfterMs }, notAdmitted(debt, settled))
}
