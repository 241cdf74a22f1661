import { parseByteRanges } from '../http/byte-range.ts'
import type { FilledLimits } from '../options/resolve-options.ts'
import type { Admission, AdmissionAsk, ExportRequest, Principal, Tenant } from '../ports.ts'
import { refusalDetail } from '../refusals.ts'
import {
  addressAsk,
  admissionAsk,
  admissionFields,
  checkAdmission,
  rangeDebt,
  requireAdmitted,
} from '../steps/admit.ts'
import type { Exchange } from './exchange.ts'
import type { OpenedExport } from './open-export.ts'

/** What the limiter was asked and what it said. */
export interface AskedAdmission {
  readonly asked: AdmissionAsk
  readonly admission: Admission
  /** The RateLimit fields of every answer from here on. */
  readonly fields: Readonly<Record<string, string>>
}

/** Asks for quotas and places in one step. Places are given back when the exchange ends. */
export async function askAdmission<T extends Tenant>(
  request: ExportRequest,
  principal: Principal,
  tenant: T,
  limits: FilledLimits<T>,
  exchange: Exchange,
): Promise<AskedAdmission> {
  return exchange.ask('limiter', async (signal) => {
    const asked = admissionAsk(principal, tenant, limits, costOf(request, limits.cost))
    const admission = checkAdmission(await limits.limiter.admit(asked, signal))
    // Also where the exchange ended while the limiter was still thinking.
    if (admission.admitted) exchange.onEnd(() => admission.release())
    return { asked, admission, fields: admissionFields(asked, admission, limits.legacyFields) }
  })
}

/** Pays what is still owed once the plan is known: a range that is most of the export. Takes no further place. */
export async function payRangeDebt<T extends Tenant>(
  { plan, info }: OpenedExport,
  { asked, fields }: AskedAdmission,
  { cost, limiter, legacyFields }: FilledLimits<T>,
  exchange: Exchange,
): Promise<AskedAdmission['fields']> {
  const debt = rangeDebt(plan, info.size, cost)
  if (debt === 0) return fields
  const owed = { quotas: asked.quotas, slots: [], cost: debt }
  const admission = await exchange.ask('limiter', async (signal) =>
    checkAdmission(await limiter.admit(owed, signal)),
  )
  requireAdmitted({ asked: owed, admission })
  return admissionFields(owed, admission, legacyFields)
}

function costOf(request: ExportRequest, cost: FilledLimits<Tenant>['cost']): number {
  if (request.method === 'HEAD') return cost.head
  return parseByteRanges(request.header('range')) ? cost.range : cost.download
}

/** The quota of the caller's address: looked at before authentication, paid from when it fails. */
export interface AddressGate {
  readonly look: () => Promise<void>
  /**
   * Passes on what authentication gives; a failure is paid for first. A limiter that cannot take the payment is a fault:
   * nobody tries for free.
   */
  readonly charge: <V>(authenticate: () => Promise<V>) => Promise<V>
}

export function addressGate<T extends Tenant>(
  address: string | undefined,
  { perAddress, limiter }: FilledLimits<T>,
  { ask }: Exchange,
): AddressGate {
  const spend = async (cost: 0 | 1): Promise<void> => {
    if (!perAddress || address === undefined) return
    const asked = addressAsk(address, perAddress, cost)
    const admission = await ask('limiter', async (signal) =>
      checkAdmission(await limiter.admit(asked, signal)),
    )
    if (cost === 0) requireAdmitted({ asked, admission })
  }
  return {
    look: () => spend(0),
    charge: async (authenticate) => {
      try {
        return await authenticate()
      } catch (refused) {
        const kind = refusalDetail(refused)?.kind
        if (kind === 'token_missing' || kind === 'token_invalid') await spend(1)
        throw refused
      }
    },
  }
}
