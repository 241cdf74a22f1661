import { wholeBody } from '../delivery/start-delivery.ts'
import { safeFilename } from '../http/content-disposition.ts'
import { printableText } from '../http/field-values.ts'
import { siblingPath } from '../http/request-target.ts'
import type { Guard } from '../options/resolve-options.ts'
import type { Principal, ReadyRecord, Tenant, Tickets } from '../ports.ts'
import { refuse } from '../refusals.ts'
import type { ExportRequest, ExportResponse, IssuedTicket, WantedTicket } from '../request-response.ts'
import { printablePrincipal } from './events.ts'
import type { Exchange } from './exchange.ts'

/** What a ticket is issued for, once all of it has been checked. */
export interface TicketSubject {
  readonly principal: Principal
  readonly tenant: Tenant
  /** As the route's parameter says it, not as the record does: the ticket is compared with the parameter. */
  readonly exportId: string
  readonly record: ReadyRecord
  readonly version: string
  readonly capability: string
}

/** Seals a ticket and reports it. What the host's `claims` throws is a bug of the host's: `internal`. */
export async function issueTicket(
  { record, ...grant }: TicketSubject,
  tickets: Tickets,
  now: number,
  { ask, issued }: Exchange,
): Promise<IssuedTicket> {
  const seal = (): ReturnType<Tickets['seal']> =>
    tickets
      .seal(grant, now)
      .catch((cause: unknown) => refuse('internal', { cause, trouble: 'tickets_failed' }))
  const { ticket, text } = await ask('tickets', seal)
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

/** What the host wants, as a request for a ticket would say it. */
export function ticketRequest<T extends Tenant>(
  { exportId, tenantName, version }: WantedTicket,
  { idParameter, tenantName: tenant, versionHeader }: Guard<T>,
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
    url: '/ticket', // a request has one; its answer is dropped
    signal,
  }
}

/**
 * The answer to a request for a ticket: 201, with the URL in `Location` and in the body.
 *
 * @param requestUrl - as the adapter gave it
 * @param urlOf - as `tickets.url`. Absent: the URL is a path of this origin
 */
export function ticketAnswer(
  { query, expiresAt, resumeUntil, filename, size }: IssuedTicket,
  requestUrl: string | undefined,
  urlOf: Tickets['url'],
  headers: Readonly<Record<string, string>>,
): ExportResponse {
  if (requestUrl === undefined)
    throw new TypeError('the adapter gave no url, so the URL of the ticket is unknown')
  const path = `${siblingPath(requestUrl, 'download')}?${query}`
  const url: unknown = urlOf ? urlOf(path) : path
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
