import type { Tenant } from '../ports.ts'
import { because, refusal } from '../refusals.ts'
import type { ExportRequest } from '../request-response.ts'
import type { Ticket } from '../ticket.ts'
import type { Parsed } from './require-valid.ts'

/** What a request says itself of what its ticket is for. `undefined`: nothing. */
export interface NamedByRequest {
  readonly exportId: string
  readonly tenantName: string | undefined
  readonly versionName: string | undefined
}

/** Refuses `ticket_invalid` where the request names another export, organization or version than its ticket. */
export function requireTicketFor(ticket: Ticket, named: NamedByRequest): void {
  const { exportId, tenantName = ticket.tenant.name, versionName = ticket.version } = named
  if (exportId !== ticket.exportId) throw another('export')
  if (tenantName !== ticket.tenant.name) throw another('organization')
  if (versionName !== ticket.version) throw another('version')
}

/** Refuses `ticket_invalid` where the organization of that name is another one than when the ticket was issued. */
export function requireTicketTenant(ticket: Ticket, tenant: Tenant): void {
  if (tenant.id !== ticket.tenant.id) throw another('organization')
}

/**
 * Until `startBy` a ticket permits every request, from then on only the resume of a download: a `Range` under the condition that
 * the client's bytes are of this very object. Refuses `ticket_expired` where there is no such condition.
 *
 * @param now - milliseconds since the epoch
 * @returns whether the answer must be a part of the export, whose ETag the condition names
 */
export function checkTicketTime(
  { startBy }: Ticket,
  request: Pick<ExportRequest, 'method' | 'header'>,
  now: number,
): 'any' | 'part' {
  if (now < startBy) return 'any'
  const sends = (name: string): boolean => request.header(name) !== undefined
  const isConditional = sends('if-range') || sends('if-match')
  if (request.method === 'GET' && sends('range') && isConditional) return 'part'
  throw refusal({ kind: 'ticket_expired' }, because(`a download had to begin ${now - startBy} ms ago`))
}

/** Refuses `ticket_expired` where the host has revoked the ticket. Only `false` means that it has not. */
export function requireNotRevoked(answer: unknown): void {
  if (answer === false) return
  if (answer === true) throw refusal({ kind: 'ticket_expired' }, because('it was revoked'))
  const cause = new TypeError('isRevoked gave neither true nor false')
  throw refusal({ kind: 'upstream_error', trouble: 'tickets_wrong' }, cause)
}

/** The version that a ticket was issued for. Refuses `ticket_expired` where it is not served any more. */
export function requireServed<V>(parsed: Parsed<V>): V {
  if ('value' in parsed) return parsed.value
  throw refusal({ kind: 'ticket_expired' }, because('its version of the endpoint is not served any more'))
}

const another = (what: string): Error =>
  refusal({ kind: 'ticket_invalid' }, because(`it is for another ${what}`))
