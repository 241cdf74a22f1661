import type { Principal, Tenant } from './ports.ts'
import type { Refusal } from './refusals.ts'

/** Permits one principal to download one export. */
export interface TicketGrant {
  readonly principal: Principal
  readonly tenant: Tenant
  /** The canonical export id. */
  readonly exportId: string
  /** The version of the endpoint that answers. */
  readonly version: string
  /** The capability that the principal was found to hold. */
  readonly capability: string
}

/**
 * A ticket that is known to be genuine. Its principal has one capability, at most one organization (none where the token did
 * not name it and `tenancy.isMember` was asked), and the claims that the host chose. Deeply frozen.
 */
export interface Ticket extends TicketGrant {
  /** Unique. It opens nothing, so it may be logged. */
  readonly id: string
  /** When it was issued, in milliseconds since the epoch. */
  readonly issuedAt: number
  /** Until then, exclusive, every GET and HEAD is served. */
  readonly startBy: number
  /** Until then, exclusive, a download that has begun may be resumed. */
  readonly resumeBy: number
}

/** What `isRevoked` is told of a ticket. */
export interface UsedTicket extends Pick<Principal, 'issuer' | 'subject'> {
  readonly id: string
  readonly tenantId: string
  readonly exportId: string
  readonly issuedAt: Date
}

/** Seals and opens tickets: `createTickets`. */
export interface Tickets {
  /** The query parameter that carries a ticket. */
  readonly parameter: string
  /**
   * Seals a grant, at an instant in milliseconds since the epoch. `text` is secret: whoever has it may download the export.
   * Rejects where the host's `claims` throw, or make the ticket too long.
   */
  readonly seal: (
    grant: TicketGrant,
    at: number,
  ) => Promise<{ readonly ticket: Ticket; readonly text: string }>
  /**
   * Opens a ticket that was sealed for this capability. Refuses `'ticket_invalid'` where it is not genuine, and
   * `'ticket_expired'` from `resumeBy` on.
   */
  readonly open: (text: string, capability: string, at: number) => Promise<Ticket>
  /** Absent: a ticket is never revoked by itself. */
  readonly isRevoked?: (ticket: UsedTicket, signal: AbortSignal) => Promise<boolean>
  /** Path and query of a download → its URL for browsers. Absent: the path is the URL. */
  readonly url?: (path: string) => string
  /** The HTML of a refusal. Absent: the library's own page. */
  readonly page?: (refusal: Refusal) => string
}
