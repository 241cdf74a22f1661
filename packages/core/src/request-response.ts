import type { Principal } from './ports.ts'

/** What an adapter hands to the core. Made by `serveNode`, or by an adapter of your own. */
export interface ExportRequest {
  /** The HTTP method, in capitals. */
  readonly method: string
  /** Route parameters, percent-decoded once. */
  readonly params: Readonly<Record<string, string | undefined>>
  /**
   * A header's value by its lower-case name; `undefined`: not sent. Repeated lines are joined by `', '`, which spoils a
   * header that may stand only once.
   */
  header(name: string): string | undefined
  /**
   * Path and query as they were asked for: Node's `request.url`, or where the framework shortens that (Express), its original.
   * Absent: the request cannot carry a ticket, and the URL of an issued one has no path.
   */
  readonly url?: string
  /** The caller's address as the framework trusts it. Absent: the address quota has nothing to count. */
  readonly address?: string
  /** Fires when the client is gone. The handler then releases everything. */
  readonly signal: AbortSignal
  /**
   * `true`: "I am done with a chunk before I ask for the next", so stores may reuse memory.
   * @defaultValue false
   */
  readonly borrow?: boolean
}

/** The whole answer. Nothing has been sent yet, but a body's first bytes are already in hand. */
export interface ExportResponse {
  /** The HTTP status. */
  readonly status: number
  /** Header fields, each name once. */
  readonly headers: Readonly<Record<string, string>>
  /** Absent: the answer has no body (HEAD, 204, 304, an export of 0 bytes). */
  readonly body?: ExportBody
  /**
   * `true`: close the connection behind this answer: send `Connection: close` over HTTP/1.x (RFC 9112 §9.6).
   * @defaultValue false
   */
  readonly closeConnection?: boolean
  /**
   * How a body that stops is ended over plain TCP: `'reset'`, or `'close'` for a browser, which resumes by itself after that and
   * not after a reset. A client can see after either that the body is incomplete, by its Content-Length.
   * @defaultValue 'reset'
   */
  readonly cut?: 'reset' | 'close'
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

/** The guarded endpoint: an adapter mounts `handle` and `handleTicket`; the other members are for the operator. */
export interface ExportHandler {
  /** Answers one request. Never rejects: a refusal, a failure of a port and a bug are answers too. */
  readonly handle: (request: ExportRequest) => Promise<ExportResponse>
  /**
   * Answers one request for a ticket: `POST …/ticket` with an access token. Never rejects. Needs the option `tickets`: without it
   * every request is 404.
   */
  readonly handleTicket: (request: ExportRequest) => Promise<ExportResponse>
  /** Whether the handler was made with the option `tickets`. */
  readonly issuesTickets: boolean
  /**
   * Issues a ticket to a principal that the host has authenticated itself, by a session or for a link in a mail. All other checks
   * are those of `handleTicket`: tenant, capability, quota, record.
   *
   * Rejects with a Boom error (`@hapi/boom`) where a check refuses: `message` is the kind of the refusal, such as
   * `'export_not_found'`, `output.statusCode` its status. Rejects with a TypeError where the option `tickets` is absent, and with
   * the reason of `signal` when that fires.
   */
  readonly issueTicket: (wanted: WantedTicket, signal: AbortSignal) => Promise<IssuedTicket>
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

/** For whom, and for which export, a ticket is wanted. */
export interface WantedTicket {
  /** Who asks, as the host has authenticated it. */
  readonly principal: Principal
  /** As in `X-Org-Name`. Absent: the only organization that the principal proves, as `tenancy` allows. */
  readonly tenantName?: string
  /** The id of the export, as in the URL. */
  readonly exportId: string
  /**
   * As in `X-API-Version`.
   * @defaultValue the handler's `defaultVersion`
   */
  readonly version?: string
}

/** A ticket for one export. */
export interface IssuedTicket {
  /** The ticket's id, for logs. It opens nothing. */
  readonly id: string
  /** To append to the URL of the download, behind `?`: `sig=…`. Secret: whoever has it may download the export. */
  readonly query: string
  /** Until then, exclusive, a download may begin. */
  readonly expiresAt: Date
  /** Until then, exclusive, a download that has begun may be resumed. */
  readonly resumeUntil: Date
  /** The name under which a browser saves the export. */
  readonly filename: string
  /** Bytes of the export. Absent: the record does not say it, or the export is stored compressed. */
  readonly size?: number
}

/** A download that is being sent. A snapshot: ask again for newer counts. */
export interface RunningDownload {
  /** As in the events of its request. */
  readonly id: string
  /** As in `X-Request-Id`. */
  readonly requestId: string
  /** Who downloads. */
  readonly principal: Pick<Principal, 'issuer' | 'subject'>
  /** The `id` that `findTenant` returned. */
  readonly tenantId: string
  /** The id of the export, as in the URL. */
  readonly exportId: string
  /** The client's address as the framework trusts it. Absent: unknown. */
  readonly address?: string
  /** The name of the API version. */
  readonly version?: string
  /** When the request came. */
  readonly startedAt: Date
  /** Bytes of the body: Content-Length. 0: not decided yet. */
  readonly bytesPromised: number
  /** Bytes that the kernel has accepted. */
  readonly bytesSent: number
}
