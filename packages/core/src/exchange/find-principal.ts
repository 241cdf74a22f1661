import { printableText } from '../http/field-values.ts'
import type { HandlerSettings } from '../options/resolve-options.ts'
import type { Principal, Tenant } from '../ports.ts'
import type { ExportRequest } from '../request-response.ts'
import { authenticate } from '../steps/authenticate.ts'
import { checkPrincipal } from '../steps/check-principal.ts'
import { onlyTicket, requireTickets } from '../steps/read-ticket.ts'
import type { Ticket } from '../ticket.ts'
import { createAddressQuota } from './address-quota.ts'
import { printablePrincipal } from './events.ts'
import type { Exchange } from './exchange.ts'

/** The authenticated caller. */
interface Proof {
  readonly principal: Principal
  /** The ticket that proved the principal. Absent: a token did, or the host has authenticated the principal. */
  readonly ticket?: Ticket
}

/**
 * Authenticates the caller by the ticket, or by the bearer token and the verifier, within the quota of the client's address.
 *
 * @param sent - all tickets of the request. `[]`: the request needs a bearer token
 * @param known - the principal, if the host has authenticated it. `undefined`: the request must prove one
 */
type FindPrincipal = (
  request: ExportRequest,
  sent: readonly string[],
  known: Principal | undefined,
  exchange: Exchange,
) => Promise<Proof>

/** Creates the {@link FindPrincipal} of one handler. */
export function createPrincipalFinder<T extends Tenant>(
  settings: Pick<HandlerSettings<T>, 'verifier' | 'limits' | 'tickets' | 'capability' | 'now'>,
): FindPrincipal {
  const { verifier, tickets, capability, now } = settings
  const withinAddressQuota = createAddressQuota(settings.limits)

  const byTicket = async (
    sent: readonly string[],
    request: ExportRequest,
    { callPort, draft }: Exchange,
  ): Promise<Proof> => {
    const issuer = requireTickets(tickets)
    const text = onlyTicket(sent, request, issuer.parameter)
    const ticket = await callPort('tickets', () => issuer.open(text, capability, now()))
    draft.ticketId = printableText(ticket.id)
    return { principal: ticket.principal, ticket }
  }
  const byToken = (request: ExportRequest, { callPort }: Exchange): Promise<Principal> => {
    const verify = (token: string): Promise<Principal> =>
      callPort('verifier', async (signal) =>
        checkPrincipal(await verifier.verify(token, signal, { address: request.address })),
      )
    return authenticate(request.header('authorization'), verify)
  }
  return async (request, sent, known, exchange) => {
    const { draft } = exchange
    const within = <V>(prove: () => Promise<V>): Promise<V> =>
      withinAddressQuota(request.address, exchange, prove)
    const proof =
      sent.length > 0
        ? await within(() => byTicket(sent, request, exchange))
        : { principal: known ?? (await within(() => byToken(request, exchange))) }
    draft.principal = printablePrincipal(proof.principal)
    if (sent.length === 0 && !known) draft.via = 'token'
    return proof
  }
}
