import { addressPrefix } from '../http/address-prefix.ts'
import { formatRateLimit, formatRateLimitPolicy, legacyRateLimitFields } from '../http/rate-limit-fields.ts'
import type { Admission, AdmissionAsk, Principal, Quota, Tenant } from '../ports.ts'
import { refusal } from '../refusals.ts'

/** What the host limits, with its defaults filled. */
export interface AdmissionRules<T extends Tenant> {
  readonly perPrincipal: Quota | ((principal: Principal, tenant: T) => Quota)
  readonly perTenant?: Quota | ((tenant: T) => Quota)
  readonly concurrent: { readonly perPrincipal: number; readonly perTenant?: number; readonly total?: number }
}

/**
 * What one download asks of the limiter: every quota and every place in one step. Keys begin with the tenant, so that a
 * distributed limiter can keep what is taken together in one place.
 */
export function admissionAsk<T extends Tenant>(
  principal: Principal,
  tenant: T,
  { perPrincipal, perTenant, concurrent }: AdmissionRules<T>,
  cost: number,
): AdmissionAsk {
  const principalKey = [tenant.id, 'principal', principal.issuer, principal.subject]
  const tenantKey = [tenant.id, 'tenant']
  const quotas = [
    {
      name: 'principal',
      key: principalKey,
      quota: typeof perPrincipal === 'function' ? perPrincipal(principal, tenant) : perPrincipal,
    },
  ]
  if (perTenant)
    quotas.push({
      name: 'tenant',
      key: tenantKey,
      quota: typeof perTenant === 'function' ? perTenant(tenant) : perTenant,
    })
  const slots = [{ name: 'principal-downloads', key: principalKey, limit: concurrent.perPrincipal }]
  if (concurrent.perTenant !== undefined)
    slots.push({ name: 'tenant-downloads', key: tenantKey, limit: concurrent.perTenant })
  if (concurrent.total !== undefined)
    slots.push({ name: 'total-downloads', key: ['total'], limit: concurrent.total })
  return { quotas, slots, cost }
}

/** What an address asks: `cost` 0 looks before authentication, 1 pays for one that failed. */
export const addressAsk = (address: string, quota: Quota, cost: 0 | 1): AdmissionAsk => ({
  quotas: [{ name: 'address', key: [addressPrefix(address), 'address'], quota }],
  slots: [],
  cost,
})

/**
 * What a range owes beyond its own price: one that is more than half of the export is a download by another name, and costs
 * what a download costs.
 */
export function rangeDebt(
  { status, length }: { readonly status: number; readonly length: number },
  size: number,
  cost: { readonly download: number; readonly range: number },
): number {
  return status === 206 && length * 2 > size ? Math.max(0, cost.download - cost.range) : 0
}

/** Refuses what is no answer of a limiter: who is admitted by mistake is admitted. */
export function checkAdmission(admission: Admission | null | undefined): Admission {
  if (admission && typeof admission.admitted === 'boolean' && Array.isArray(admission.left)) return admission
  const cause = new TypeError('an admission needs admitted and left')
  throw refusal({ kind: 'upstream_error', trouble: 'admission_malformed' }, cause)
}

/** Refuses what the limiter did not admit: `rate_limited` by a quota, `too_many_downloads` by a place. */
export function requireAdmitted({
  asked,
  admission,
}: {
  readonly asked: AdmissionAsk
  readonly admission: Admission
}): void {
  if (admission.admitted) return
  const { by, retryAfterMs } = admission
  const kind = asked.slots.some(({ name }) => name === by) ? 'too_many_downloads' : 'rate_limited'
  throw refusal({ kind, retryAfterMs })
}

/** The RateLimit fields of the answer, admitted or not. */
export function admissionFields(
  ask: AdmissionAsk,
  { left }: Admission,
  legacy: boolean,
): Record<string, string> {
  const policies = ask.quotas.map(({ name, quota: { capacity, refill, perMs } }) => ({
    name,
    quota: capacity,
    windowSeconds: Math.max(1, Math.ceil((capacity * perMs) / refill / 1_000)),
  }))
  const limits = left.map(({ name, tokens, nextMs }) => ({
    name,
    remaining: tokens,
    resetSeconds: Math.ceil(nextMs / 1_000),
  }))
  // A limiter that refused for want of a place need not have looked at the quotas.
  if (limits.length === 0) return {}
  const fields = { 'RateLimit-Policy': formatRateLimitPolicy(policies), RateLimit: formatRateLimit(limits) }
  return legacy ? { ...fields, ...legacyRateLimitFields(policies, limits) } : fields
}
