import type { Principal, Tenant } from './ports.ts'
import type { Refusal } from './refusals.ts'

/** Permits one principal to download one export. */
export interface TicketGrant {
  /** The principal that may download. */
  readonly principal: Principal
  /** The organization of the export. */
  readonly tenant: Tenant
  /** The export: a UUID in lower case, or an id as `idPattern` allows it. */
  readonly exportId: string
  /** The name of the API version that answers. */
  readonly version: string
  /** The capability of the principal that permits the download. */
  readonly capability: string
}

/**
 * A ticket whose seal has been verified. Its principal has one capability, the claims that the host chose, and at most one
 * organization (none if the token did not name the organization and `tenancy.isMember` decided). Deeply frozen.
 */
export interface Ticket extends TicketGrant {
  /** A unique id. It permits nothing, so it may be logged. */
  readonly id: string
  /** When the ticket was issued, in milliseconds since the epoch. */
  readonly issuedAt: number
  /** Before this time every GET and HEAD is served, in milliseconds since the epoch. */
  readonly startBy: number
  /** Before this time a download that has begun may be resumed, in milliseconds since the epoch. */
  readonly resumeBy: number
}

/** The description of a ticket that `isRevoked` receives. */
export interface UsedTicket extends Pick<Principal, 'issuer' | 'subject'> {
  /** The id of the ticket. */
  readonly id: string
  /** The `id` of the organization. */
  readonly tenantId: string
  /** The export that the ticket permits to download. */
  readonly exportId: string
  /** When the ticket was issued. */
  readonly issuedAt: Date
}

/** Seals and opens tickets. Made by `createTickets`. */
export interface Tickets {
  /** The query parameter that carries a ticket. */
  readonly parameter: string
  /**
   * Seals a grant. `at` is the time of issue, in milliseconds since the epoch. `text` is secret: its bearer may download the
   * export. Rejects if the host's `claims` function throws or makes the ticket too long.
   */
  readonly seal: (
    grant: TicketGrant,
    at: number,
  ) => Promise<{ readonly ticket: Ticket; readonly text: string }>
  /**
   * Verifies and opens a ticket that was sealed for this capability. `at` is the current time, in milliseconds since the epoch.
   * Refuses `'ticket_invalid'` if the seal is not valid, and `'ticket_expired'` from `resumeBy` on.
   */
  readonly open: (text: string, capability: string, at: number) => Promise<Ticket>
  /** Decides whether the host has revoked the ticket. Absent: single tickets cannot be revoked. */
  readonly isRevoked?: (ticket: UsedTicket, signal: AbortSignal) => Promise<boolean>
  /** Makes the URL for browsers from the path and query of a download. Absent: the path is the URL. */
  readonly url?: (path: string) => string
  /** Makes the HTML page that a browser shows for a refusal. Absent: the library's own page. */
  readonly page?: (refusal: Refusal) => string
}
