import type { ReadyRecord } from '../catalogue.ts'
import { wholeBody } from '../delivery/start-delivery.ts'
import { safeFilename } from '../http/content-disposition.ts'
import { printableText } from '../http/field-values.ts'
import { siblingPath } from '../http/request-target.ts'
import type { HandlerSettings } from '../options/resolve-options.ts'
import type { Principal, Tenant } from '../ports.ts'
import { refuse } from '../refusals.ts'
import type {
  ExportHandler,
  ExportRequest,
  ExportResponse,
  IssuedTicket,
  WantedTicket,
} from '../request-response.ts'
import { checkPrincipal } from '../steps/check-principal.ts'
import type { Tickets } from '../ticket.ts'
import { printablePrincipal } from './events.ts'
import type { Exchange } from './exchange.ts'

/** The response to a request, and for a ticket request its result. */
export interface Answer {
  readonly response: ExportResponse
  /** The ticket, if one was issued. */
  readonly issued?: IssuedTicket
  /** The error that refused the request. Absent: it was granted. */
  readonly refused?: unknown
}

/** Issues a ticket and ends the exchange. */
export async function answerWithTicket(
  subject: TicketSubject,
  request: ExportRequest,
  tickets: Tickets,
  now: number,
  headers: Readonly<Record<string, string>>,
  exchange: Exchange,
): Promise<Answer> {
  const issued = await issueTicket(subject, tickets, now, exchange)
  const response = ticketAnswer(issued, request.url, tickets.url, headers)
  exchange.draft.status = response.status
  exchange.end('completed')
  return { response, issued }
}

/** The methods of a handler that issue tickets to the host itself. They make a request as a client would. */
export const hostIssuer = <T extends Tenant>(
  answer: (request: ExportRequest, route: 'ticket', known: Principal) => Promise<Answer>,
  settings: HandlerSettings<T>,
): Pick<ExportHandler, 'issueTicket' | 'issuesTickets'> => ({
  issuesTickets: settings.tickets !== undefined,
  issueTicket: async (wanted, signal) => {
    if (!settings.tickets) throw new TypeError('issueTicket: needs the option tickets of createExportHandler')
    const principal = checkPrincipal(wanted.principal)
    const { issued, refused } = await answer(ticketRequest(wanted, settings, signal), 'ticket', principal)
    if (issued) return issued
    signal.throwIfAborted()
    throw refused
  },
})

/** The checked members of the ticket that is to be issued. */
interface TicketSubject {
  readonly principal: Principal
  readonly tenant: Tenant
  /** As the route's parameter says it, not as the record does: the ticket is compared with the parameter. */
  readonly exportId: string
  readonly record: ReadyRecord
  readonly version: string
  readonly capability: string
}

/** Seals a ticket and reports it. If the host's `claims` throws, that is a bug of the host: refuses `internal`. */
async function issueTicket(
  { record, ...grant }: TicketSubject,
  tickets: Tickets,
  now: number,
  { callPort, issued }: Exchange,
): Promise<IssuedTicket> {
  const seal = (): ReturnType<Tickets['seal']> =>
    tickets
      .seal(grant, now)
      .catch((cause: unknown) => refuse('internal', { cause, trouble: 'tickets_failed' }))
  const { ticket, text } = await callPort('tickets', seal)
  const { size, encoding } = record.object ?? {}
  const expiresAt = new Date(ticket.startBy)
  issued({
    version: printableText(grant.version),
    principal: printablePrincipal(grant.principal),
    tenantId: printableText(grant.tenant.id),
    exportId: printableText(grant.exportId),
    ticketId: printableText(ticket.id),
    expiresAt,
  })
  return {
    id: ticket.id,
    query: `${tickets.parameter}=${text}`,
    expiresAt,
    resumeUntil: new Date(ticket.resumeBy),
    filename: safeFilename(record.filename, `export-${record.id}.${record.format}`),
    ...(size !== undefined && encoding === undefined && { size }),
  }
}

/** The URL of a request that the host makes itself: its response is not used, so `tickets.url` is not asked. */
const noUrl = ''

/** Converts the host's wish to the request that a client would send. */
function ticketRequest<T extends Tenant>(
  { exportId, tenantName, version }: WantedTicket,
  { idParameter, tenantName: tenant, versionHeader }: HandlerSettings<T>,
  signal: AbortSignal,
): ExportRequest {
  const named = tenantName === undefined ? {} : { [tenant.name]: tenantName }
  const headers = new Map<string, string | undefined>([[versionHeader.toLowerCase(), version]])
  // As UTF-8, the way a client would send it.
  if (tenant.in === 'header' && tenantName !== undefined)
    headers.set(tenant.name.toLowerCase(), Buffer.from(tenantName).toString('latin1'))
  return {
    method: 'POST',
    params: { [idParameter]: exportId, ...(tenant.in === 'path' && named) },
    header: (name) => headers.get(name),
    url: noUrl,
    signal,
  }
}

/**
 * The answer to a request for a ticket: 201, with the URL in `Location` and in the body.
 *
 * @param requestUrl - as the adapter gave it
 * @param urlOf - as `tickets.url`. Absent: the URL is a path of this origin
 */
function ticketAnswer(
  { query, expiresAt, resumeUntil, filename, size }: IssuedTicket,
  requestUrl: string | undefined,
  urlOf: Tickets['url'],
  headers: Readonly<Record<string, string>>,
): ExportResponse {
  if (requestUrl === undefined)
    throw new TypeError('the adapter gave no url, so the URL of the ticket is unknown')
  const path = `${siblingPath(requestUrl, 'download')}?${query}`
  const url: unknown = urlOf && requestUrl !== noUrl ? urlOf(path) : path
  if (typeof url !== 'string' || !/^[\x21-\x7e]+$/.test(url))
    throw new TypeError('tickets.url must give a URL, percent-encoded')
  const times = { expires_at: expiresAt.toISOString(), resume_until: resumeUntil.toISOString() }
  const bytes = Buffer.from(JSON.stringify({ url, ...times, filename, ...(size !== undefined && { size }) }))
  const shown = {
    'Cache-Control': 'no-store',
    'Content-Type': 'application/json',
    'Content-Length': String(bytes.length),
    Location: url,
  }
  return { status: 201, headers: { ...headers, ...shown }, body: wholeBody(bytes) }
}
