import type { ByteRange } from './http/byte-range.ts'
import type { Principal } from './ports.ts'
import type { RefusalKind, TroubleCode, TroublePort } from './refusals.ts'

/** What happened. `cause` is not enumerable, so never printed unasked: it may name buckets and keys. */
export type ExportEvent = DownloadStarted | DownloadEnded | Trouble

/** How an exchange ended. */
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

/** The first byte is about to leave: the record that survives a crash. Same members as the end has by then. */
export interface DownloadStarted extends Omit<
  DownloadEnded,
  'type' | 'outcome' | 'bytesSent' | 'durationMs' | 'cause'
> {
  readonly type: 'download_started'
}

/** One per request: after the refusal, the last byte or the cut. */
export interface DownloadEnded {
  readonly type: 'download_ended'
  readonly outcome: Outcome
  /** The true kind of a refusal, also where the client read `export_not_found`. */
  readonly kind?: RefusalKind
  /** As in `X-Request-Id`. */
  readonly requestId: string
  readonly method: string
  readonly status: number
  readonly address?: string
  readonly version?: string
  readonly principal?: Pick<Principal, 'issuer' | 'subject'>
  readonly tenantId?: string
  /** Only once it has parsed. */
  readonly exportId?: string
  /** `[]`: the whole. */
  readonly ranges: readonly ByteRange[]
  /** Bytes of the body: Content-Length. */
  readonly bytesPromised: number
  /** Bytes that our kernel has accepted. */
  readonly bytesSent: number
  /** How often the object was opened. 1: the store held. */
  readonly attempts: number
  /** Milliseconds from the request to its head. Absent: there was no body. */
  readonly firstByteMs?: number
  /** Milliseconds from the request to its end. */
  readonly durationMs: number
  readonly cause?: unknown
}

/** A port failed, or serves from what it has. */
export interface Trouble {
  readonly type: 'trouble'
  readonly port: TroublePort
  readonly code: TroubleCode
  readonly cause?: unknown
}
