import type { MultiTenancy, Principal, SingleTenancy, Tenant } from '../ports.ts'
import { wantedGot, refusal, refusalCause, refusalDetail } from '../refusals.ts'

/**
 * Finds the organization of the request. A name that the token does not prove gets the same refusal as one that does not exist, so
 * that callers cannot find out which organizations exist. Without `isMember`, `findTenant` is not called for such a name. With
 * `isMember`, the refusal is the same even if `isMember` fails; the failure is reported as a trouble.
 *
 * @param name - a well-formed name: the one in the request, or the only one that the token proves. `undefined`: there is neither
 */
export async function resolveTenant<T extends Tenant>(
  name: string | undefined,
  principal: Principal,
  tenancy: MultiTenancy<T> | SingleTenancy<T>,
  callPort: <V>(call: (signal: AbortSignal) => Promise<V>) => Promise<V>,
): Promise<T> {
  if (tenancy.mode === 'single') return onlyTenant(name, principal, tenancy.tenant)
  const { organizations } = principal
  if (name === undefined) throw forbidden('the token must name exactly one organization', organizations)
  const proved = organizations.includes(name)
  if (!proved && !tenancy.isMember)
    throw forbidden(`the organizations of the token must include '${name}'`, organizations)
  const tenant = await callPort((signal) => tenancy.findTenant(name, principal, signal))
  if (!tenant) throw forbidden(`findTenant must find '${name}'`, tenant)
  if (!isText(tenant.id)) {
    const cause = wantedGot("a tenant's id must be a text that is not empty", tenant.id)
    const kind = proved ? 'upstream_error' : 'tenant_forbidden'
    throw refusal({ kind, trouble: 'tenant_malformed' }, cause)
  }
  // A query that ignores case or accents could find an organization that the token does not name.
  if (tenant.name !== name) {
    const cause = wantedGot(`the tenant of findTenant must have the name '${name}'`, tenant.name)
    throw refusal({ kind: 'tenant_forbidden', trouble: 'tenant_mismatch' }, cause)
  }
  if (proved) return tenant
  const member = await callPort(async (signal) => tenancy.isMember?.(principal, tenant, signal)).catch(
    refuseLikeMissing,
  )
  if (member !== true) throw forbidden(`isMember must answer true for '${name}'`, member)
  return tenant
}

/** Any other status would reveal that the organization exists. Errors that are not refusals, such as a disconnect, are rethrown. */
function refuseLikeMissing(error: unknown): never {
  const detail = refusalDetail(error)
  if (!detail) throw error
  const { trouble } = detail
  throw refusal({ kind: 'tenant_forbidden', ...(trouble && { trouble }) }, refusalCause(error))
}

function onlyTenant<T extends Tenant>(name: string | undefined, { organizations }: Principal, tenant: T): T {
  const named = name === undefined || name === tenant.name
  const proved = organizations.length === 0 || organizations.includes(tenant.name)
  if (!named) throw forbidden(`the only organization is '${tenant.name}'`, name)
  if (!proved) throw forbidden(`the organizations of the token must include '${tenant.name}'`, organizations)
  return tenant
}

const forbidden = (must: string, got: unknown): Error =>
  refusal({ kind: 'tenant_forbidden' }, wantedGot(must, got))

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
