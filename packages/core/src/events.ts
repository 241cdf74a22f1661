import type { ByteRange } from './http/byte-range.ts'
import type { Principal } from './ports.ts'
import type { RefusalKind, TroubleCode, TroublePort } from './refusals.ts'

/** What happened. `cause` is not enumerable, so never printed unasked: it may name buckets and keys. */
export type ExportEvent = DownloadStarted | DownloadEnded | RequestEnded | TicketIssued | Trouble

/** How a request ended. */
export type Outcome =
  | 'completed'
  | 'refused'
  | 'client_aborted'
  | 'client_too_slow'
  | 'lifetime_over'
  | 'shut_down'
  | 'cut'
  | 'store_cut'
  | 'store_stalled'
  | 'store_too_slow'
  | 'store_overran'
  | 'store_wrong'
  | 'object_changed'
  | 'failed'

/** What every event of one request says of it. */
interface RequestMembers {
  /** A UUID that the handler makes for each request: unique, and no client can choose it. Key spans and audit rows by it. */
  readonly id: string
  /** As in `X-Request-Id`: the client's, where it sent a well-formed one; else the same as `id`. */
  readonly requestId: string
  /** The HTTP method. */
  readonly method: string
  /** The HTTP status. 499: the client left before there was an answer. */
  readonly status: number
  /** The client's address as the framework trusts it. Absent: unknown. */
  readonly address?: string
  /** The name of the API version. Absent: the request named an unknown one. */
  readonly version?: string
  /** What the request proved its permission with. Absent: nothing was proved. */
  readonly via?: 'token' | 'ticket'
  /** The id of the ticket, once it is known to be genuine. It opens nothing. */
  readonly ticketId?: string
  /** Who asks. Absent: the token was not verified yet. */
  readonly principal?: Pick<Principal, 'issuer' | 'subject'>
  /** The `id` that `findTenant` returned. Absent: it was not found yet. */
  readonly tenantId?: string
  /** Only once it has parsed. */
  readonly exportId?: string
  /** How often the object was opened. 1: the store held. */
  readonly attempts: number
}

/**
 * A GET is about to be answered with an export or a part of it (200 or 206; an export of 0 bytes too). Sent before the first
 * byte, so that it survives a crash. Exactly one {@link DownloadEnded} of the same `id` follows it.
 */
export interface DownloadStarted extends RequestMembers {
  /** Tells this event from the others. */
  readonly type: 'download_started'
  /** `[]`: the whole. */
  readonly ranges: readonly ByteRange[]
  /** Bytes of the body: Content-Length. */
  readonly bytesPromised: number
}

/** A download has ended: after its last byte, or by a cut. */
export interface DownloadEnded extends Omit<DownloadStarted, 'type'> {
  /** Tells this event from the others. */
  readonly type: 'download_ended'
  /** How the download ended. */
  readonly outcome: Outcome
  /** Bytes that our kernel has accepted. */
  readonly bytesSent: number
  /** Milliseconds from the request to the head of its response. */
  readonly firstByteMs: number
  /** Milliseconds from the request to its end. */
  readonly durationMs: number
  /** The error that ended it. Not enumerable. Absent: there was none. */
  readonly cause?: unknown
}

/** A request that was no download has ended: it was refused, or was answered without bytes (HEAD, 304, OPTIONS). */
export interface RequestEnded extends RequestMembers {
  /** Tells this event from the others. */
  readonly type: 'request_ended'
  /** How the request ended. */
  readonly outcome: Outcome
  /** The true kind of a refusal, also where the client read `export_not_found`. */
  readonly kind?: RefusalKind
  /**
   * How many other requests of the same caller were refused with the same `kind` in the last second and have no event. Absent: 0.
   * At most 10 refusals of a kind per caller and second have an event.
   */
  readonly suppressed?: number
  /** Milliseconds from the request to its end. */
  readonly durationMs: number
  /** What was wrong: for a refusal, what was wanted and what was given. Not enumerable. Absent: nothing was. */
  readonly cause?: unknown
}

/** A ticket was issued. The {@link RequestEnded} of the same `id` follows it. The ticket itself is in no event. */
export interface TicketIssued {
  /** Tells this event from the others. */
  readonly type: 'ticket_issued'
  /** A UUID that the handler makes for each request. */
  readonly id: string
  /** As in `X-Request-Id`. */
  readonly requestId: string
  /** The address as the framework trusts it. Absent: unknown. */
  readonly address?: string
  /** The name of the API version. */
  readonly version: string
  /** Who asked for the ticket. */
  readonly principal: Pick<Principal, 'issuer' | 'subject'>
  /** The `id` that `findTenant` returned. */
  readonly tenantId: string
  /** The export that the ticket opens. */
  readonly exportId: string
  /** The id of the ticket. It opens nothing. */
  readonly ticketId: string
  /** Until then a download may begin. */
  readonly expiresAt: Date
}

/** A port failed, or serves from what it has. The ids are there where it belongs to a request, and as far as they are known. */
export interface Trouble {
  /** Tells this event from the others. */
  readonly type: 'trouble'
  /** Which port failed. */
  readonly port: TroublePort
  /** What happened: docs/events.md lists the codes. */
  readonly code: TroubleCode
  /** The `id` of the request. Absent: the trouble belongs to no request. */
  readonly id?: string
  /** The `requestId` of the request. Absent: the trouble belongs to no request. */
  readonly requestId?: string
  /** Absent: the tenant was not known yet. */
  readonly tenantId?: string
  /** Absent: the export id was not parsed yet. */
  readonly exportId?: string
  /** The error. Not enumerable. Absent: there is none. */
  /**
   * How many other requests of the same caller were refused with the same trouble in the last second, and have no event. Absent: 0.
   * At most 10 refused requests per code, caller and second have one.
   */
  readonly suppressed?: number
  readonly cause?: unknown
}
