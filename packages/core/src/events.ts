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
  readonly method: string
  readonly status: number
  readonly address?: string
  readonly version?: string
  /** What the request proved its permission with. Absent: nothing was proved. */
  readonly via?: 'token' | 'ticket'
  /** The id of the ticket, once it is known to be genuine. It opens nothing. */
  readonly ticketId?: string
  readonly principal?: Pick<Principal, 'issuer' | 'subject'>
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
  readonly type: 'download_started'
  /** `[]`: the whole. */
  readonly ranges: readonly ByteRange[]
  /** Bytes of the body: Content-Length. */
  readonly bytesPromised: number
}

/** A download has ended: after its last byte, or by a cut. */
export interface DownloadEnded extends Omit<DownloadStarted, 'type'> {
  readonly type: 'download_ended'
  readonly outcome: Outcome
  /** Bytes that our kernel has accepted. */
  readonly bytesSent: number
  /** Milliseconds from the request to the head of its response. */
  readonly firstByteMs: number
  /** Milliseconds from the request to its end. */
  readonly durationMs: number
  readonly cause?: unknown
}

/** A request that was no download has ended: it was refused, or was answered without bytes (HEAD, 304, OPTIONS). */
export interface RequestEnded extends RequestMembers {
  readonly type: 'request_ended'
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
  readonly cause?: unknown
}

/** A ticket was issued. The {@link RequestEnded} of the same `id` follows it. The ticket itself is in no event. */
export interface TicketIssued {
  readonly type: 'ticket_issued'
  readonly id: string
  readonly requestId: string
  readonly address?: string
  readonly version: string
  readonly principal: Pick<Principal, 'issuer' | 'subject'>
  readonly tenantId: string
  readonly exportId: string
  readonly ticketId: string
  /** Until then a download may begin. */
  readonly expiresAt: Date
}

/** A port failed, or serves from what it has. The ids are there where it belongs to a request, and as far as they are known. */
export interface Trouble {
  readonly type: 'trouble'
  readonly port: TroublePort
  readonly code: TroubleCode
  readonly id?: string
  readonly requestId?: string
  readonly tenantId?: string
  readonly exportId?: string
  readonly cause?: unknown
}
