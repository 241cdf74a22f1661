import type { MultiTenancy, Principal, SingleTenancy, Tenant } from '../ports.ts'
import { refusal } from '../refusals.ts'

/**
 * The organization that the request is for. `X-Org-Name` chooses among those the token proves; a name the token lacks
 * and a name nobody has are refused alike, and unless `isMember` is there to ask, without a look-up.
 *
 * @param name - well-formed; `undefined`: the header was not sent
 */
export async function resolveTenant<T extends Tenant>(
  name: string | undefined,
  principal: Principal,
  tenancy: MultiTenancy<T> | SingleTenancy<T>,
  ask: <V>(call: (signal: AbortSignal) => Promise<V>) => Promise<V>,
): Promise<T> {
  if (tenancy.mode === 'single') return onlyTenant(name, principal, tenancy.tenant)
  const chosen = name ?? onlyName(principal)
  const proved = principal.organizations.includes(chosen)
  if (!proved && !tenancy.isMember) throw refusal({ kind: 'tenant_forbidden' })
  const tenant = await ask((signal) => tenancy.findTenant(chosen, principal, signal))
  if (!tenant) throw refusal({ kind: 'tenant_forbidden' })
  if (!isText(tenant.id)) {
    const cause = new TypeError("a tenant's id must be a text that is not empty")
    throw refusal({ kind: 'upstream_error', trouble: 'tenant_malformed' }, cause)
  }
  // A look-up that ignores case or accents would admit an organization that the token does not name.
  if (tenant.name !== chosen) {
    throw refusal({ kind: 'tenant_forbidden', trouble: 'tenant_mismatch' })
  }
  if (proved) return tenant
  const member = await ask(async (signal) => tenancy.isMember?.(principal, tenant, signal))
  if (member !== true) throw refusal({ kind: 'tenant_forbidden' })
  return tenant
}

function onlyTenant<T extends Tenant>(name: string | undefined, { organizations }: Principal, tenant: T): T {
  const named = name === undefined || name === tenant.name
  const proved = organizations.length === 0 || organizations.includes(tenant.name)
  if (!named || !proved) throw refusal({ kind: 'tenant_forbidden' })
  return tenant
}

function onlyName({ organizations }: Principal): string {
  const [name] = organizations
  if (name === undefined || organizations.length > 1) throw refusal({ kind: 'tenant_forbidden' })
  return name
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
