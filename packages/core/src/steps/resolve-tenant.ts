import type { MultiTenancy, Principal, SingleTenancy, Tenant } from '../ports.ts'
import { refusal, refusalCause, refusalDetail } from '../refusals.ts'

/**
 * The organization that the request is for. `X-Org-Name` chooses among those the token proves. A name that the token lacks
 * and a name that nobody has are refused alike, and without `isMember` neither is looked up. With it an organization that
 * the caller may not know of is refused like one that does not exist, also where `isMember` fails: the failure is reported
 * as a trouble.
 *
 * @param name - well-formed: the header's, or without one the only name that the token proves. `undefined`: neither
 */
export async function resolveTenant<T extends Tenant>(
  name: string | undefined,
  principal: Principal,
  tenancy: MultiTenancy<T> | SingleTenancy<T>,
  ask: <V>(call: (signal: AbortSignal) => Promise<V>) => Promise<V>,
): Promise<T> {
  if (tenancy.mode === 'single') return onlyTenant(name, principal, tenancy.tenant)
  if (name === undefined) throw refusal({ kind: 'tenant_forbidden' })
  const proved = principal.organizations.includes(name)
  if (!proved && !tenancy.isMember) throw refusal({ kind: 'tenant_forbidden' })
  const tenant = await ask((signal) => tenancy.findTenant(name, principal, signal))
  if (!tenant) throw refusal({ kind: 'tenant_forbidden' })
  if (!isText(tenant.id)) {
    const cause = new TypeError("a tenant's id must be a text that is not empty")
    const kind = proved ? 'upstream_error' : 'tenant_forbidden'
    throw refusal({ kind, trouble: 'tenant_malformed' }, cause)
  }
  // A look-up that ignores case or accents would admit an organization that the token does not name.
  if (tenant.name !== name) {
    throw refusal({ kind: 'tenant_forbidden', trouble: 'tenant_mismatch' })
  }
  if (proved) return tenant
  const member = await ask(async (signal) => tenancy.isMember?.(principal, tenant, signal)).catch(
    refuseLikeMissing,
  )
  if (member !== true) throw refusal({ kind: 'tenant_forbidden' })
  return tenant
}

/** Any other status would say that the organization exists. What is no refusal, such as a client that left, is rethrown. */
function refuseLikeMissing(error: unknown): never {
  const detail = refusalDetail(error)
  if (!detail) throw error
  const { trouble } = detail
  throw refusal({ kind: 'tenant_forbidden', ...(trouble && { trouble }) }, refusalCause(error))
}

function onlyTenant<T extends Tenant>(name: string | undefined, { organizations }: Principal, tenant: T): T {
  const named = name === undefined || name === tenant.name
  const proved = organizations.length === 0 || organizations.includes(tenant.name)
  if (!named || !proved) throw refusal({ kind: 'tenant_forbidden' })
  return tenant
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
