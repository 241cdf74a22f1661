import { isPrefetch } from '../http/negotiation.ts'
import { queryValues } from '../http/request-target.ts'
import type { Tenant } from '../ports.ts'
import { because, refusal } from '../refusals.ts'
import type { ExportRequest } from '../request-response.ts'
import type { Ticket, Tickets } from '../ticket.ts'
import type { Parsed } from './require-valid.ts'

/** The export, organization and version that a request names beside its ticket. `undefined`: it does not name it. */
export interface NamedByRequest {
  readonly exportId: string
  readonly tenantName: string | undefined
  readonly versionName: string | undefined
}

/** Refuses `ticket_invalid` if the request names another export, organization or version than its ticket. */
export function requireTicketFor(ticket: Ticket, named: NamedByRequest): void {
  const { exportId, tenantName = ticket.tenant.name, versionName = ticket.version } = named
  if (exportId !== ticket.exportId) throw another('export')
  if (tenantName !== ticket.tenant.name) throw another('organization')
  if (versionName !== ticket.version) throw another('version')
}

/** Refuses `ticket_invalid` if the organization with this name has another id than when the ticket was issued. */
export function requireTicketTenant(ticket: Ticket, tenant: Tenant): void {
  if (tenant.id !== ticket.tenant.id) throw another('organization')
}

/**
 * Checks the time of a ticket. Before `startBy` it permits every request. After that it only permits to resume a download: a GET
 * with `Range`, and with `If-Range` or `If-Match` to prove that the client already has bytes of the same object. Refuses
 * `ticket_expired` for any other request.
 *
 * @param now - the current time, in milliseconds since the epoch
 * @returns `'part'`: the response must be a part of the export, and its ETag must be the one in the condition
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

/** Refuses `ticket_expired` if the host has revoked the ticket. Any answer but `true` and `false` is a fault of the host's function. */
export function requireNotRevoked(answer: unknown): void {
  if (answer === false) return
  if (answer === true) throw refusal({ kind: 'ticket_expired' }, because('it was revoked'))
  const cause = new TypeError('isRevoked gave neither true nor false')
  throw refusal({ kind: 'upstream_error', trouble: 'tickets_wrong' }, cause)
}

/** Returns the version that a ticket was issued for. Refuses `ticket_expired` if that version is no longer served. */
export function requireServed<V>(parsed: Parsed<V>): V {
  if ('value' in parsed) return parsed.value
  throw refusal({ kind: 'ticket_expired' }, because('its version of the endpoint is not served any more'))
}

const another = (what: string): Error =>
  refusal({ kind: 'ticket_invalid' }, because(`it is for another ${what}`))

/** Returns the tickets of the handler. Refuses `export_not_found` if it has none: then the route does not exist. */
export function requireTickets<T extends Tickets>(tickets: T | undefined): T {
  if (!tickets) throw refusal({ kind: 'export_not_found' }, because('the option tickets is absent'))
  return tickets
}

/**
 * All tickets in the query of a request. `[]`: there are none.
 *
 * @param tickets - `undefined`: the query is ignored
 */
export const sentTickets = ({ url }: ExportRequest, tickets: Tickets | undefined): readonly string[] =>
  url === undefined || !tickets ? [] : queryValues(url, tickets.parameter)

/**
 * The only ticket of a request. Refuses `invalid_request` if the request has several, or has one together with `Authorization`
 * (RFC 6750 §2). Refuses `unavailable` if a browser prefetches the link, before any port is called and any quota is used.
 */
export function onlyTicket(
  [text = '', ...more]: readonly string[],
  request: Pick<ExportRequest, 'header'>,
  parameter: string,
): string {
  // A ticket is secret: it is not shown as the input.
  const field = { part: 'ticket', in: 'query', name: parameter, input: null } as const
  if (more.length > 0) throw refusal({ kind: 'invalid_request', fields: [{ ...field, rule: 'once' }] })
  if (request.header('authorization') !== undefined) {
    const fault = { ...field, rule: 'not_with', other: 'Authorization' } as const
    throw refusal({ kind: 'invalid_request', fields: [fault] })
  }
  if (isPrefetch((name) => request.header(name)))
    throw refusal({ kind: 'unavailable' }, because('a browser fetched ahead of a click'))
  return text
}
