import { addressPrefixes } from '../http/address-prefix.ts'
import type { LimitField, PolicyField } from '../http/response-fields.ts'
import { formatRateLimit, formatRateLimitPolicy, legacyRateLimitFields } from '../http/response-fields.ts'
import type { Admission, AdmissionAsk, ByteRange, Principal, Quota, QuotaLeft, Tenant } from '../ports.ts'
import { because, wantedGot, refusal } from '../refusals.ts'

/** The quotas of principals and tenants, of requests or of bytes. Absent: there is none. */
interface QuotaRules<T extends Tenant> {
  readonly perPrincipal?: Quota | ((principal: Principal, tenant: T) => Quota)
  readonly perTenant?: Quota | ((tenant: T) => Quota)
}

/** The host's limits, with the defaults filled in. */
export interface AdmissionRules<T extends Tenant> extends QuotaRules<T> {
  readonly concurrent: { readonly perPrincipal: number; readonly perTenant?: number; readonly total?: number }
}

/** Makes the limiter's question for a request of a principal: all its quotas and slots, to be decided in one step. */
export function admissionAsk<T extends Tenant>(
  principal: Principal,
  tenant: T,
  { concurrent, ...rules }: AdmissionRules<T>,
  cost: number,
): AdmissionAsk {
  const principalKey = keyOfPrincipal('principal', principal, tenant)
  const tenantKey = [tenant.id, 'tenant']
  const slots: AdmissionAsk['slots'][number][] = [
    {
      name: 'principal-downloads',
      key: principalKey,
      limit: concurrent.perPrincipal,
      scope: 'fleet',
    },
  ]
  if (concurrent.perTenant !== undefined)
    slots.push({ name: 'tenant-downloads', key: tenantKey, limit: concurrent.perTenant, scope: 'fleet' })
  // Counted per process, because it protects the sockets and the memory of this process.
  if (concurrent.total !== undefined)
    slots.push({ name: 'total-downloads', key: ['total'], limit: concurrent.total, scope: 'process' })
  return { partition: tenant.id, quotas: quotasOf(principal, tenant, rules, ''), slots, cost }
}

/** Makes the limiter's question for the bytes of a download. A budget that holds a byte admits it, and may go into debt. */
export const bytesAsk = <T extends Tenant>(
  principal: Principal,
  tenant: T,
  budgets: QuotaRules<T>,
  bytes: number,
): AdmissionAsk => ({
  partition: tenant.id,
  quotas: quotasOf(principal, tenant, budgets, '-bytes'),
  slots: [],
  cost: bytes,
  allowDebt: true,
})

/** @param suffix - added to the names of the quotas, and to their keys */
function quotasOf<T extends Tenant>(
  principal: Principal,
  tenant: T,
  { perPrincipal, perTenant }: QuotaRules<T>,
  suffix: '' | '-bytes',
): AdmissionAsk['quotas'] {
  const quotas: AdmissionAsk['quotas'][number][] = []
  if (perPrincipal)
    quotas.push({
      name: `principal${suffix}`,
      key: keyOfPrincipal(`principal${suffix}`, principal, tenant),
      quota: typeof perPrincipal === 'function' ? perPrincipal(principal, tenant) : perPrincipal,
    })
  if (perTenant)
    quotas.push({
      name: `tenant${suffix}`,
      key: [tenant.id, `tenant${suffix}`],
      quota: typeof perTenant === 'function' ? perTenant(tenant) : perTenant,
    })
  return quotas
}

const keyOfPrincipal = (kind: string, { issuer, subject }: Principal, { id }: Tenant): readonly string[] => [
  id,
  kind,
  issuer,
  subject,
]

/** Makes the limiter's question for an attempt to authenticate: one token of the quota of its address. */
export function addressAsk(address: string, quota: Quota): AdmissionAsk {
  const [finest, ...coarser] = addressPrefixes(address)
  const keyOf = (prefix: string): readonly string[] => [prefix, 'address']
  return {
    partition: finest,
    quotas: [{ name: 'address', key: keyOf(finest), coarser: coarser.map(keyOf), quota }],
    slots: [],
    cost: 1,
  }
}

/** Tokens that each kind of response costs. */
export interface Cost {
  readonly download: number
  readonly range: number
  readonly head: number
}

/** The cost before the response is planned. `isRange`: the request has a well-formed `Range`. */
export function costOfRequest(method: string, isRange: boolean, cost: Cost): number {
  if (method === 'HEAD') return cost.head
  return isRange ? cost.range : cost.download
}

/**
 * The cost of the planned response. A range costs its fraction of a whole download, rounded up, so that splitting an export never
 * makes it cheaper. It costs at least `cost.range` for each part, because the store opens each part separately. A response
 * without content (HEAD, 304) costs as much as a HEAD.
 *
 * @param size - bytes of the whole export
 */
export function costOfPlan(
  method: string,
  { status, ranges }: { readonly status: number; readonly ranges: readonly ByteRange[] },
  size: number,
  cost: Cost,
): number {
  if (method === 'HEAD' || status === 304) return cost.head
  if (status !== 206) return cost.download
  const bytes = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0)
  return Math.max(cost.range * ranges.length, portion(cost.download, bytes, size))
}

/** `whole · part ÷ size`, rounded up. Uses BigInt, because the product may be above 2^53. */
const portion = (whole: number, part: number, size: number): number =>
  Number((BigInt(whole) * BigInt(part) + BigInt(size) - 1n) / BigInt(size))

/** Makes the limiter's question for the rest of a cost. In total never more than the capacity of the smallest quota. */
export function restAsk(asked: AdmissionAsk, cost: number): AdmissionAsk {
  const smallest = Math.min(...asked.quotas.map(({ quota }) => quota.capacity))
  return { ...asked, slots: [], cost: Math.max(0, Math.min(cost, smallest) - asked.cost) }
}

/**
 * The milliseconds to wait after the rest of a cost was not admitted. A repeated request pays the first cost
 * again and then the rest. So the wait is the time in which each quota gains the sum of both.
 */
export function restRetryMs({ quotas, cost }: AdmissionAsk, retryAfterMs: number): number {
  const waits = quotas.map(({ quota: { refill, perMs } }) => Math.ceil((cost * perMs) / refill))
  return retryAfterMs + Math.max(0, ...waits)
}

/** Milliseconds until the same request can pay its cost again, if no other request comes first. */
export function repeatMs({ quotas, cost }: AdmissionAsk, left: readonly QuotaLeft[]): number {
  const waits = left.map(({ name, tokens, nextMs }) => {
    const { refill = 1, perMs = 0 } = quotas.find((asked) => asked.name === name)?.quota ?? {}
    return tokens >= cost ? 0 : nextMs + Math.ceil(((cost - tokens - 1) * perMs) / refill)
  })
  return Math.max(0, ...waits)
}

/** The remaining tokens of each quota after a refund. */
export const leftAfterRefund = (
  { quotas }: AdmissionAsk,
  left: readonly QuotaLeft[],
  tokens: number,
): readonly QuotaLeft[] =>
  left.map((quotaLeft) => {
    const capacity = quotas.find(({ name }) => name === quotaLeft.name)?.quota.capacity ?? 0
    const more = quotaLeft.tokens + tokens
    return more < capacity ? { ...quotaLeft, tokens: more } : { ...quotaLeft, tokens: capacity, nextMs: 0 }
  })

/** Rejects a malformed limiter answer, because admitting a request by mistake cannot be undone. */
export function checkAdmission(admission: Admission | null | undefined): Admission {
  if (admission && isWellFormed(admission)) return admission
  const must = 'an admission needs admitted and left, and if admitted release() and refund()'
  const cause = wantedGot(must, admission ? Object.keys(admission) : admission)
  throw refusal({ kind: 'upstream_error', trouble: 'admission_malformed' }, cause)
}

const isWellFormed = (admission: Admission): boolean =>
  Array.isArray(admission.left) &&
  typeof admission.admitted === 'boolean' &&
  (!admission.admitted || (typeof admission.release === 'function' && typeof admission.refund === 'function'))

/** Refuses a request that the limiter did not admit: `rate_limited` by a quota, `too_many_downloads` by a slot. */
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
  throw refusal({ kind, retryAfterMs }, notAdmitted(asked, admission))
}

/** The private cause of the refusal: the quota or slot that refused, the amount that was needed, and the amount that was left. */
export function notAdmitted(
  { slots, cost, allowDebt }: AdmissionAsk,
  admission: Admission & { readonly admitted: false },
): Error {
  const { by, left, retryAfterMs } = admission
  if (allowDebt === true)
    return because(
      `the budget '${by}' must hold a byte; it will in ${retryAfterMs} ms, and the download has ${cost}`,
    )
  const slot = slots.find(({ name }) => name === by)
  if (slot) return because(`slot '${by}' must have fewer than ${slot.limit} running downloads; got as many`)
  const tokens = left.find(({ name }) => name === by)?.tokens
  return wantedGot(`quota '${by}' must have ${Math.max(1, cost)} tokens`, tokens)
}

/** Makes the RateLimit header fields of the response, admitted or not. */
export function admissionFields(
  ask: AdmissionAsk,
  { left }: Pick<Admission, 'left'>,
  legacy: boolean,
): Record<string, string> {
  // A limiter that refused because of a slot may not have read the quotas.
  if (left.length === 0) return {}
  const policies = policiesOf(ask)
  const limits = left.map(limitOf)
  const fields = { 'RateLimit-Policy': formatRateLimitPolicy(policies), RateLimit: formatRateLimit(limits) }
  return legacy ? { ...fields, ...legacyRateLimitFields(policies, limits) } : fields
}

/** Adds the budgets of bytes to the RateLimit header fields. `X-RateLimit-*` have no unit, so they stay those of the requests. */
export function withBudgetFields(
  fields: Readonly<Record<string, string>>,
  ask: AdmissionAsk,
  { left }: Pick<Admission, 'left'>,
): Readonly<Record<string, string>> {
  if (left.length === 0) return fields
  const policies = formatRateLimitPolicy(policiesOf(ask, 'content-bytes'))
  return {
    ...fields,
    'RateLimit-Policy': joined(fields['RateLimit-Policy'], policies),
    RateLimit: joined(fields['RateLimit'], formatRateLimit(left.map(limitOf))),
  }
}

const joined = (present: string | undefined, added: string): string =>
  present === undefined ? added : `${present}, ${added}`

/** @param unit - absent: requests */
const policiesOf = ({ quotas }: AdmissionAsk, unit?: PolicyField['unit']): readonly PolicyField[] =>
  quotas.map(({ name, quota: { capacity, refill, perMs } }) => ({
    name,
    quota: capacity,
    windowSeconds: Math.max(1, Math.ceil((capacity * perMs) / refill / 1_000)),
    ...(unit && { unit }),
  }))

const limitOf = ({ name, tokens, nextMs }: QuotaLeft): LimitField => ({
  name,
  remaining: tokens,
  resetSeconds: Math.ceil(nextMs / 1_000),
})
