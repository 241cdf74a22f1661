import { printableText } from '../http/field-values.ts'
import type { FilledLimits, HandlerSettings } from '../options/resolve-options.ts'
import type { Admission, Principal, Tenant } from '../ports.ts'
import { refusalDetail } from '../refusals.ts'
import type { ExportRequest } from '../request-response.ts'
import { addressAsk, checkAdmission, requireAdmitted } from '../steps/admit.ts'
import { authenticate } from '../steps/authenticate.ts'
import { checkPrincipal } from '../steps/check-principal.ts'
import { onlyTicket, requireTickets } from '../steps/check-ticket.ts'
import type { Ticket } from '../ticket.ts'
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

/**
 * Authenticates under the quota of the client's address. An attempt first takes one token from the quota. The quota token is
 * returned if the attempt proves a principal, and if the verifier fails. It is also returned for a genuine ticket that has
 * expired. It is spent if the credentials are refused, and if the client disconnects before the outcome is known. Refuses
 * `rate_limited` when the quota has no token left.
 */
type AddressQuota = <V>(
  address: string | undefined,
  exchange: Pick<Exchange, 'callPort' | 'signal'>,
  authenticate: () => Promise<V>,
) => Promise<V>

/** The attempts from one address. While some wait, at least one is active. It wakes others when it ends. */
interface AddressAttempts {
  /** The number of attempts that are at the limiter or at the verifier. */
  active: number
  /** Wakes the attempts that found no token, oldest first. */
  readonly waiting: Set<() => void>
}

/**
 * Creates the address quota of one handler. If an attempt finds no quota token while others from its address are active, it waits
 * for their outcome. So many clients with valid tokens behind one proxy are all admitted. A returned quota token wakes one
 * waiting attempt. A spent one wakes all of them, and each asks the limiter once more.
 */
function createAddressQuota({
  perAddress,
  limiter,
}: Pick<FilledLimits<Tenant>, 'perAddress' | 'limiter'>): AddressQuota {
  if (!perAddress) return (_, __, authenticate) => authenticate()
  const byAddress = new Map<string, AddressAttempts>()

  return async (address, { callPort, signal }, authenticate) => {
    if (address === undefined) return authenticate()
    const asked = addressAsk(address, perAddress)
    const attempts = byAddress.get(asked.partition) ?? { active: 0, waiting: new Set() }
    byAddress.set(asked.partition, attempts)
    let isActive = false
    let isRefunded = false

    const take = (): Promise<Admission> =>
      callPort('limiter', async (signal) => checkAdmission(await limiter.admit(asked, signal)))
    const takeInTurn = async (): Promise<Admission> => {
      if (attempts.waiting.size === 0) {
        attempts.active += 1
        isActive = true
        const admission = await take()
        if (admission.admitted || attempts.active === 1) return admission
        attempts.active -= 1
        isActive = false
      }
      await turn(attempts, signal)
      isActive = true
      return take()
    }

    try {
      const admission = await takeInTurn()
      requireAdmitted({ asked, admission })
      const giveBack = (): void => {
        if (admission.admitted) admission.refund(1)
        isRefunded = true
      }
      try {
        const proven = await authenticate()
        giveBack()
        return proven
      } catch (error) {
        if (keepsQuota(error)) giveBack()
        throw error
      }
    } finally {
      if (isActive) {
        attempts.active -= 1
        wake(attempts, isRefunded ? 1 : attempts.waiting.size)
      }
      if (attempts.active + attempts.waiting.size === 0) byAddress.delete(asked.partition)
    }
  }
}

/** Waits until an active attempt ends. Rejects with the signal's reason. */
const turn = ({ waiting }: AddressAttempts, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const go = (): void => {
      signal.removeEventListener('abort', leave)
      resolve()
    }
    const leave = (): void => {
      waiting.delete(go)
      reject(signal.reason)
    }
    signal.throwIfAborted()
    waiting.add(go)
    signal.addEventListener('abort', leave, { once: true })
  })

function wake(attempts: AddressAttempts, most: number): void {
  for (const go of [...attempts.waiting].slice(0, most)) {
    attempts.waiting.delete(go)
    attempts.active += 1
    go()
  }
}

/** Whether the quota's token is returned although nobody was authenticated: the credentials were not found to be wrong. */
const keepsQuota = (error: unknown): boolean => {
  const kind = refusalDetail(error)?.kind
  return (
    kind !== undefined && kind !== 'token_missing' && kind !== 'token_invalid' && kind !== 'ticket_invalid'
  )
}
