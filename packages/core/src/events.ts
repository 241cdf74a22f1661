import type { ByteRange } from './http/byte-range.ts'
import type { Principal } from './ports.ts'
import type { RefusalKind, TroubleCode, TroublePort } from './refusals.ts'

/**
 * An event that `onEvent` receives. `cause` is not enumerable, so that loggers do not print it by default: it may contain
 * bucket names and keys.
 */
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

/** The members that all events of one request have. */
interface RequestMembers {
  /** A UUID that the handler makes for each request. Clients cannot choose it: use it as the key of spans and audit rows. */
  readonly id: string
  /** The value of `X-Request-Id`: the client's, if it sent a well-formed one. Otherwise the same as `id`. */
  readonly requestId: string
  /** The HTTP method. */
  readonly method: string
  /** The HTTP status. 499: the client left before there was an answer. */
  readonly status: number
  /** The client's address, as the framework determined it. Absent: unknown. */
  readonly address?: string
  /** The name of the API version. Absent: the request named an unknown one. */
  readonly version?: string
  /** How the request was authenticated. Absent: it was not. */
  readonly via?: 'token' | 'ticket'
  /** The id of the ticket. It permits nothing. Absent: there is no ticket, or its seal was not verified yet. */
  readonly ticketId?: string
  /** The caller. Absent: the token was not verified yet. */
  readonly principal?: Pick<Principal, 'issuer' | 'subject'>
  /** The `id` that `findTenant` returned. Absent: it was not found yet. */
  readonly tenantId?: string
  /** The requested export. Absent: the id was not parsed yet, or is malformed. */
  readonly exportId?: string
  /** How often the object was opened. More than 1: the store failed during the download. */
  readonly attempts: number
}

/**
 * A GET is about to be answered with an export or a part of it (200 or 206; an export of 0 bytes too). Reported before the
 * first byte is sent, so that a crash cannot lose it. Exactly one {@link DownloadEnded} with the same `id` follows.
 */
export interface DownloadStarted extends RequestMembers {
  /** Tells this event from the others. */
  readonly type: 'download_started'
  /** The ranges that are sent. `[]`: the whole export. */
  readonly ranges: readonly ByteRange[]
  /** Bytes of the body, as in Content-Length. */
  readonly bytesPromised: number
}

/** A download has ended: after its last byte, or because its connection was cut. */
export interface DownloadEnded extends Omit<DownloadStarted, 'type'> {
  /** Tells this event from the others. */
  readonly type: 'download_ended'
  /** How the download ended. */
  readonly outcome: Outcome
  /** Bytes of the body that the kernel accepted for sending. */
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
  /** The true kind of a refusal, also if the client got `export_not_found`. Absent: the request was not refused. */
  readonly kind?: RefusalKind
  /**
   * How many other requests of the same caller were refused with the same `kind` in the last second and have no event. Absent: 0.
   * At most 10 refusals of a kind per caller and second have an event.
   */
  readonly suppressed?: number
  /** Milliseconds from the request to its end. */
  readonly durationMs: number
  /** The error. For a refusal: what the handler required and what it got. Not enumerable. Absent: there was none. */
  readonly cause?: unknown
}

/** A ticket was issued. The {@link RequestEnded} with the same `id` follows. No event contains the ticket itself. */
export interface TicketIssued {
  /** Tells this event from the others. */
  readonly type: 'ticket_issued'
  /** A UUID that the handler makes for each request. */
  readonly id: string
  /** As in `X-Request-Id`. */
  readonly requestId: string
  /** The client's address, as the framework determined it. Absent: unknown. */
  readonly address?: string
  /** The name of the API version. */
  readonly version: string
  /** The principal that may use the ticket. */
  readonly principal: Pick<Principal, 'issuer' | 'subject'>
  /** The `id` that `findTenant` returned. */
  readonly tenantId: string
  /** The export that the ticket permits to download. */
  readonly exportId: string
  /** The id of the ticket. It permits nothing. */
  readonly ticketId: string
  /** Before this time a download may begin. */
  readonly expiresAt: Date
}

/** A port failed, or works with old data or reduced limits. Has the ids that were known if it happened in a request. */
export interface Trouble {
  /** Tells this event from the others. */
  readonly type: 'trouble'
  /** Which port failed. */
  readonly port: TroublePort
  /** The kind of failure. docs/events.md lists the codes. */
  readonly code: TroubleCode
  /** The `id` of the request. Absent: the trouble belongs to no request. */
  readonly id?: string
  /** The `requestId` of the request. Absent: the trouble belongs to no request. */
  readonly requestId?: string
  /** The `id` that `findTenant` returned. Absent: it was not found yet, or the trouble belongs to no request. */
  readonly tenantId?: string
  /** The requested export. Absent: the id was not parsed yet, or the trouble belongs to no request. */
  readonly exportId?: string
  /**
   * How many other requests of the same caller were refused with the same trouble in the last second, and have no event. Absent: 0.
   * At most 10 refused requests per code, caller and second have one.
   */
  readonly suppressed?: number
  /** The error. Not enumerable. Absent: there is none. */
  readonly cause?: unknown
}
