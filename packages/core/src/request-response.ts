import type { Principal } from './ports.ts'

/** What an adapter hands to the core. Made by `serveNode`, or by an adapter of your own. */
export interface ExportRequest {
  readonly method: string
  /** Route parameters, percent-decoded once. */
  readonly params: Readonly<Record<string, string | undefined>>
  /**
   * A header's value by its lower-case name; `undefined`: not sent. Repeated lines are joined by `', '`, which spoils a
   * header that may stand only once.
   */
  header(name: string): string | undefined
  /** The caller's address as the framework trusts it. Absent: the address quota has nothing to count. */
  readonly address?: string
  /** Fires when the client is gone: everything is let go. */
  readonly signal: AbortSignal
  /**
   * `true`: "I am done with a chunk before I ask for the next", so stores may reuse memory.
   * @defaultValue false
   */
  readonly borrow?: boolean
}

/** The whole answer. Nothing has been sent yet, but a body's first bytes are already in hand. */
export interface ExportResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Absent: the answer has no body (HEAD, 204, 304, an export of 0 bytes). */
  readonly body?: ExportBody
  /**
   * `true`: close the connection behind this answer: send `Connection: close` over HTTP/1.x (RFC 9112 §9.6).
   * @defaultValue false
   */
  readonly closeConnection?: boolean
}

/**
 * Bytes, the first already in hand. Read once: to the end, or `break`, or let the request's signal fire. Each lets
 * everything go.
 */
export interface ExportBody extends AsyncIterable<Uint8Array> {
  /** Bytes of all chunks together: Content-Length, always known. */
  readonly length: number
  /**
   * Fires when the guard gives up while you wait for the client. It, or a throw from the loop, means: cut the
   * connection, never end it. Absent: the guard never gives up on this body.
   */
  readonly signal?: AbortSignal
}

/** The guarded endpoint: an adapter mounts `handle`; the other members are for the operator. */
export interface ExportHandler {
  /** Answers one request. Never rejects: a refusal, a failure of a port and a bug are answers too. */
  readonly handle: (request: ExportRequest) => Promise<ExportResponse>
  /**
   * Lists the downloads of this handler in this process. A GET is listed as soon as its principal, tenant and export id
   * are known, and until its last byte is sent or it is cut.
   */
  readonly downloads: () => readonly RunningDownload[]
  /**
   * Ends the downloads that match: their clients see a broken connection, never a complete file, and their events say
   * `cut`. Revoke the permission first: a client may ask again at once.
   *
   * @returns how many were ended
   */
  readonly cut: (matches: (download: RunningDownload) => boolean) => number
  /**
   * Refuses new requests with 503, `Retry-After` and `Connection: close`. Running downloads go on; those that still run
   * after `withinMs` milliseconds are cut, to be resumed at another instance.
   *
   * Resolves when the last request has been answered. Never rejects. The first call decides; later ones give its promise.
   */
  readonly drain: (options: { readonly withinMs: number }) => Promise<void>
  /**
   * Resolves once the verifier can verify, for example once it has fetched keys; at once where it has no `ready`. Rejects
   * with the cause where it cannot, and with the reason of `signal` when that fires. For a readiness probe. Draining does
   * not matter to it.
   */
  readonly ready: (signal: AbortSignal) => Promise<void>
}

/** A download that is being sent. A snapshot: ask again for newer counts. */
export interface RunningDownload {
  /** As in the events of its request. */
  readonly id: string
  /** As in `X-Request-Id`. */
  readonly requestId: string
  readonly principal: Pick<Principal, 'issuer' | 'subject'>
  readonly tenantId: string
  readonly exportId: string
  readonly address?: string
  readonly version?: string
  /** When the request came. */
  readonly startedAt: Date
  /** Bytes of the body: Content-Length. 0: not decided yet. */
  readonly bytesPromised: number
  /** Bytes that the kernel has accepted. */
  readonly bytesSent: number
}
