import type { Guard } from '../options/resolve-options.ts'
import type { Principal, Tenant } from '../ports.ts'
import type { ExportRequest } from '../request-response.ts'
import { authenticate } from '../steps/authenticate.ts'
import { checkPrincipal } from '../steps/check-principal.ts'
import { createAddressQuota } from './address-quota.ts'
import { printablePrincipal } from './events.ts'
import type { Exchange } from './exchange.ts'

/** Finds who is asking: takes the bearer token and asks the verifier, within the quota of the client's address. */
export type FindPrincipal = (request: ExportRequest, exchange: Exchange) => Promise<Principal>

/** Makes the {@link FindPrincipal} of one handler. */
export function createPrincipalFinder<T extends Tenant>({
  verifier,
  limits,
}: Pick<Guard<T>, 'verifier' | 'limits'>): FindPrincipal {
  const withinAddressQuota = createAddressQuota(limits)
  return async (request, exchange) => {
    const { address } = request
    const verify = (token: string): Promise<Principal> =>
      exchange.ask('verifier', async (signal) =>
        checkPrincipal(await verifier.verify(token, signal, { address })),
      )
    const principal = await withinAddressQuota(address, exchange, () =>
      authenticate(request.header('authorization'), verify),
    )
    exchange.entry.principal = printablePrincipal(principal)
    return principal
  }
}
