import { parseByteRanges } from '../http/byte-range.ts'
import type { FilledLimits } from '../options/resolve-options.ts'
import type { Admission, AdmissionAsk, Principal, Tenant } from '../ports.ts'
import { refusal } from '../refusals.ts'
import type { ExportRequest } from '../request-response.ts'
import {
  admissionAsk,
  admissionFields,
  bytesAsk,
  checkAdmission,
  costOfPlan,
  costOfRequest,
  leftAfterRefund,
  notAdmitted,
  repeatMs,
  restAsk,
  restRetryMs,
  withBudgetFields,
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
 * @returns the admission with the settled cost
 */
export async function settleCost<T extends Tenant>(
  method: string,
  { plan, info }: OpenedExport,
  paid: AskedAdmission,
  { cost, limiter, legacyFields }: FilledLimits<T>,
  exchange: Exchange,
): Promise<AskedAdmission> {
  const { asked, admission } = paid
  const price = costOfPlan(method, plan, info.size, cost)
  const excess = asked.cost - price
  if (excess > 0 && admission.admitted) {
    admission.refund(excess)
    const left = leftAfterRefund(asked, admission.left, excess)
    const fields = admissionFields(asked, { left }, legacyFields)
    return { asked: { ...asked, cost: price }, admission: { ...admission, left }, fields }
  }
  const rest = restAsk(asked, price)
  if (rest.cost === 0) return paid
  const settled = await exchange.callPort('limiter', async (signal) =>
    checkAdmission(await limiter.admit(rest, signal)),
  )
  if (settled.admitted) {
    const fields = admissionFields(rest, settled, legacyFields)
    return { asked: { ...asked, cost: asked.cost + rest.cost }, admission: settled, fields }
  }
  const retryAfterMs = restRetryMs(asked, settled.retryAfterMs)
  throw refusal({ kind: 'rate_limited', retryAfterMs }, notAdmitted(rest, settled))
}

/**
 * Takes the bytes of the planned response from the budgets. The bytes that were not sent are returned when the exchange ends, however
 * it ends. A response without bytes of an export takes nothing, and the limiter is not asked.
 *
 * @param settled - what the request has paid. A refused request pays it again when it is repeated, so its quotas may need longer than
 *   the budgets
 * @returns the decision, to be passed to `requireAdmitted`, with the header fields of quotas and budgets. Without budgets: `settled`
 */
export async function takeBytes<T extends Tenant>(
  { plan, object }: OpenedExport,
  settled: AskedAdmission,
  principal: Principal,
  tenant: T,
  { bytes, limiter }: FilledLimits<T>,
  exchange: Exchange,
): Promise<AskedAdmission> {
  if (!object || plan.length === 0 || (!bytes?.perPrincipal && !bytes?.perTenant)) return settled
  return exchange.callPort('limiter', async (signal) => {
    const asked = bytesAsk(principal, tenant, bytes, plan.length)
    const admission = checkAdmission(await limiter.admit(asked, signal))
    const fields = withBudgetFields(settled.fields, asked, admission)
    if (admission.admitted) {
      // Registered here, so that the bytes are also returned if the exchange ended before the limiter answered.
      exchange.onEnd(() => {
        admission.refund(plan.length - exchange.draft.bytesSent)
        admission.release()
      })
      return { asked, admission, fields }
    }
    const retryAfterMs = Math.max(admission.retryAfterMs, repeatMs(settled.asked, settled.admission.left))
    return { asked, admission: { ...admission, retryAfterMs }, fields }
  })
}
