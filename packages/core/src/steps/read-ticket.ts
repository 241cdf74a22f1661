import { isPrefetch } from '../http/negotiation.ts'
import { queryValues } from '../http/request-target.ts'
import { because, refusal } from '../refusals.ts'
import type { ExportRequest } from '../request-response.ts'
import type { Tickets } from '../ticket.ts'

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
