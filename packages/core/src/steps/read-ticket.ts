import { isPrefetch } from '../http/negotiation.ts'
import { queryValues } from '../http/request-target.ts'
import { because, refusal } from '../refusals.ts'
import type { ExportRequest } from '../request-response.ts'
import type { Tickets } from '../ticket.ts'

/** The tickets of a handler. Refuses `export_not_found` if the host has none: then the route does not exist. */
export function requireTickets<T extends Tickets>(tickets: T | undefined): T {
  if (!tickets) throw refusal({ kind: 'export_not_found' }, because('the option tickets is absent'))
  return tickets
}

/**
 * Every ticket in the query of a request. `[]`: it carries none.
 *
 * @param tickets - absent: the query means nothing
 */
export const sentTickets = ({ url }: ExportRequest, tickets: Tickets | undefined): readonly string[] =>
  url === undefined || !tickets ? [] : queryValues(url, tickets.parameter)

/**
 * The one ticket of a request. Refuses `invalid_request` where several are sent, or one together with `Authorization` (RFC 6750
 * §2), and `unavailable` where a browser fetches ahead of a click: then nothing is asked and nothing spent.
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
