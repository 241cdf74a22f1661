import type { Principal } from './ports.ts'

/** A request as the handler reads it. Made by `serveNode`, or by an adapter of your own. */
export interface ExportRequest {
  /**
   * The `id` in the events of this request, for code that wraps a handler. It must be unique, and must not come from the client.
   * @defaultValue a new UUID
   */
  readonly id?: string
  /** The HTTP method, in capitals. */
  readonly method: string
  /** Route parameters, percent-decoded once. */
  readonly params: Readonly<Record<string, string | undefined>>
  /**
   * Returns the value of a header by its lower-case name. `undefined`: it was not sent. Repeated lines are joined by `', '`, so a
   * header that may be sent only once is then malformed.
   */
  header(name: string): string | undefined
  /**
   * Path and query of the request: Node's `request.url`, or its original if the framework shortens it (Express). Absent: tickets
   * in the query are ignored, and the URL of an issued ticket has no path.
   */
  readonly url?: string
  /** The caller's address, as the framework determined it. Absent: the address quota does not count the request. */
  readonly address?: string
  /** Must fire when the client has disconnected. The handler then releases everything it holds for the request. */
  readonly signal: AbortSignal
  /**
   * `true`: the adapter no longer uses a chunk when it requests the next one, so stores may reuse the memory.
   * @defaultValue false
   */
  readonly borrow?: boolean
}

/** The response to send. Nothing has been sent yet, but the first chunk of a body has already been read. */
export interface ExportResponse {
  /** The HTTP status. */
  readonly status: number
  /** Header fields, each name once. */
  readonly headers: Readonly<Record<string, string>>
  /** Absent: the response has no body (HEAD, 204, 304, an export of 0 bytes). */
  readonly body?: ExportBody
  /**
   * `true`: send `Connection: close` over HTTP/1.x, and close the connection after this response (RFC 9112 §9.6).
   * @defaultValue false
   */
  readonly closeConnection?: boolean
  /**
   * How to end the connection over plain TCP if the body stops early. Browsers resume by themselves after `'close'`, but not
   * after `'reset'`. In both cases fewer bytes than Content-Length arrive, so the client can detect the incomplete body.
   * @defaultValue 'reset'
   */
  readonly cut?: 'reset' | 'close'
}

/**
 * The bytes of a response body. Its first chunk has already been read. It can be iterated once. The last chunk, a `break` and the
 * request's signal each release everything that the body holds.
 */
export interface ExportBody extends AsyncIterable<Uint8Array> {
  /** Bytes of all chunks together, for Content-Length. */
  readonly length: number
  /**
   * Fires when the handler ends the download while the adapter waits for the client. Then, and when the iteration throws, the
   * adapter must cut the connection: the response must not look complete. Absent: the handler does not end this body early.
   */
  readonly signal?: AbortSignal
}

/** The guarded endpoint. An adapter mounts `handle` and `handleTicket`. The other members are for the operator. */
export interface ExportHandler {
  /** Answers one request. Never rejects: refusals, failures of a port and bugs are responses too. */
  readonly handle: (request: ExportRequest) => Promise<ExportResponse>
  /**
   * Answers one request for a ticket: `POST …/ticket` with an access token. Never rejects. Without the option `tickets` every
   * request is 404.
   */
  readonly handleTicket: (request: ExportRequest) => Promise<ExportResponse>
  /** Whether the handler was made with the option `tickets`. */
  readonly issuesTickets: boolean
  /**
   * Issues a ticket to a principal that the host has authenticated itself, for example by a session or for a link in an email. It
   * makes all other checks of `handleTicket`: tenant, capability, quota and record.
   *
   * Rejects with a Boom error (`@hapi/boom`) if a check refuses: `message` is the kind of the refusal, such as
   * `'export_not_found'`, and `output.statusCode` its status. Rejects with a TypeError if the option `tickets` is absent, and with
   * the reason of `signal` when that fires.
   */
  readonly issueTicket: (wanted: WantedTicket, signal: AbortSignal) => Promise<IssuedTicket>
  /**
   * Lists the downloads of this handler in this process. A GET is listed from the time when its principal, tenant and export id
   * are known until its last byte has been sent or it was cut.
   */
  readonly downloads: () => readonly RunningDownload[]
  /**
   * Cuts the connections of the downloads that match. Their clients cannot take the result for a complete file, and the outcome
   * in their events is `cut`. Revoke the permission first, because a client may start again immediately.
   *
   * @param matches - is called with each running download; `true`: cut it
   * @returns the number of downloads that were cut
   */
  readonly cut: (matches: (download: RunningDownload) => boolean) => number
  /**
   * Refuses new requests with 503, `Retry-After` and `Connection: close`. Running downloads continue. Those that still run after
   * `withinMs` milliseconds are cut; their clients can resume at another instance.
   *
   * Resolves when the last download has ended and no request is being judged. The bytes of a refusal may still be on their way:
   * `server.close()` waits for them. Never rejects. A further call changes nothing and returns the promise of
   * the first one.
   */
  readonly drain: (options: { readonly withinMs: number }) => Promise<void>
  /**
   * Resolves once the verifier can verify, for example once it has fetched keys; immediately if it has no `ready`. Rejects with
   * the cause if it cannot, and with the reason of `signal` when that fires. Use it for a readiness probe. It does not reject
   * while the handler drains.
   */
  readonly ready: (signal: AbortSignal) => Promise<void>
}

/** The principal and the export that a ticket is requested for. */
export interface WantedTicket {
  /** The principal that may use the ticket. The host must have authenticated it. */
  readonly principal: Principal
  /** The name of the organization, as in `X-Org-Name`. Absent: the only one that the principal proves, if `tenancy` allows that. */
  readonly tenantName?: string
  /** The export, as in the URL of the download. */
  readonly exportId: string
  /**
   * The name of the API version, as in `X-API-Version`.
   * @defaultValue the handler's `defaultVersion`
   */
  readonly version?: string
}

/** A ticket for one export. */
export interface IssuedTicket {
  /** The ticket's id, for logs. It permits nothing. */
  readonly id: string
  /** The query for the URL of the download, without `?`: `sig=…`. Secret: its bearer may download the export. */
  readonly query: string
  /** Before this time a download may begin. */
  readonly expiresAt: Date
  /** Before this time a download that has begun may be resumed. */
  readonly resumeUntil: Date
  /** The name under which a browser saves the export. */
  readonly filename: string
  /** Bytes of the export. Absent: the record does not contain it, or the export is stored compressed. */
  readonly size?: number
}

/** A snapshot of a download that is being sent. Call `downloads` again for newer counts. */
export interface RunningDownload {
  /** The `id` in the events of its request. */
  readonly id: string
  /** The value of `X-Request-Id`. */
  readonly requestId: string
  /** The caller. */
  readonly principal: Pick<Principal, 'issuer' | 'subject'>
  /** The `id` that `findTenant` returned. */
  readonly tenantId: string
  /** The id of the export, as in the URL. */
  readonly exportId: string
  /** The client's address, as the framework determined it. Absent: unknown. */
  readonly address?: string
  /** The name of the API version. */
  readonly version?: string
  /** The id of the ticket. Absent: the request has an access token. */
  readonly ticketId?: string
  /** When the request arrived. */
  readonly startedAt: Date
  /** Bytes of the body, as in Content-Length. 0: not decided yet. */
  readonly bytesPromised: number
  /** Bytes of the body that the kernel accepted for sending. */
  readonly bytesSent: number
}
