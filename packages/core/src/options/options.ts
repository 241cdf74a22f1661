import type { FindExport } from '../catalogue.ts'
import type { DownloadStarted, ExportEvent } from '../events.ts'
import type {
  ExportStore,
  MultiTenancy,
  Principal,
  Quota,
  RateLimiter,
  SingleTenancy,
  Tenant,
  TokenVerifier,
} from '../ports.ts'
import type { ErrorFormat } from '../refusals.ts'
import type { Tickets } from '../ticket.ts'

/** Options of `createExportHandler`. `T` is the host's own tenant type, passed from `findTenant` to `findExport` and `store`. */
export interface ExportHandlerOptions<T extends Tenant = Tenant> {
  /** Verifies access tokens: `createJwtVerifier`, `createIntrospectionVerifier`, `createBearerVerifier`, or your own. */
  readonly verifier: TokenVerifier
  /** Whether many organizations share the service or there is only one, and how a request names its organization. */
  readonly tenancy: MultiTenancy<T> | SingleTenancy<T>
  /** The capability that a principal needs for a download. It must equal one of the principal's capabilities. */
  readonly capability: string
  /** Finds the record of an export in the host's catalogue. */
  readonly findExport: FindExport<T>
  /**
   * The store that holds the objects, or a function that returns the store of a tenant, for a bucket or prefix of its own. The
   * function is called for each request that reaches the store, and should return the same store for the same tenant.
   */
  readonly store: ExportStore | ((tenant: T) => ExportStore)
  /**
   * The route parameter that holds the export id, and its name in validation errors.
   * @defaultValue 'exportId'
   */
  readonly idParameter?: string
  /**
   * The pattern of export ids. The whole id must match, it has at most 128 characters, and the id of the record must equal it.
   * Absent: export ids are UUIDs or GUIDs (32 hexadecimal digits in five groups), in upper or lower case.
   */
  readonly idPattern?: RegExp
  /**
   * The request header that names the API version. The response header of the same name says which version answered.
   * @defaultValue 'X-API-Version'
   */
  readonly versionHeader?: string
  /**
   * The API versions, by the name that clients send in `versionHeader`.
   * @defaultValue `{ v1: {} }`
   */
  readonly versions?: Readonly<Record<string, VersionOptions>>
  /**
   * The version that answers if `versionHeader` is not sent. It must be one of `versions`.
   * @defaultValue 'v1'
   */
  readonly defaultVersion?: string
  /**
   * Lets browsers download by a link. Made by `createTickets`. Mount `exportTicket` of the adapter beside `exportDownload`. Absent:
   * there are no tickets, and the query of a request is ignored.
   */
  readonly tickets?: Tickets
  /** Limits of requests, bytes and concurrent downloads. Absent: every limit has its default. */
  readonly limits?: Limits<T>
  /** Deadlines of a download, and the slowest stores and clients. Absent: every member has its default. */
  readonly delivery?: DeliveryOptions
  /** Receives every event. Its errors and rejections are ignored, so that they cannot break a download. Absent: there are no events. */
  readonly onEvent?: (event: ExportEvent) => void
  /**
   * Records a download. The first byte is sent once its promise has resolved. If it rejects or takes longer than 2,000 ms, the caller
   * gets 503. Absent: downloads are not audited.
   */
  readonly audit?: (event: DownloadStarted, signal: AbortSignal) => Promise<void>
  /**
   * Returns the current time in milliseconds since the epoch, for expiry and dates. Durations use a monotonic clock.
   * @defaultValue Date.now
   */
  readonly now?: () => number
}

/** Options of one API version. */
export interface VersionOptions {
  /**
   * The format of error bodies.
   * @defaultValue problemDetails()
   */
  readonly errors?: ErrorFormat
  /** The Content-Type of each record format. Added to the known ones: jsonl, csv, json and `.gz` of each. */
  readonly mediaTypes?: Readonly<Record<string, string>>
  /** When the version became deprecated, sent as `Deprecation` (RFC 9745). Has no other effect. Absent: not deprecated. */
  readonly deprecated?: Date
  /** When the version ends, sent as `Sunset` (RFC 8594). Not before `deprecated`. From then on the version is unknown. Absent: never. */
  readonly sunset?: Date
  /** Absolute URLs that are sent as `Link` header fields. */
  readonly links?: Readonly<Partial<Record<'deprecation' | 'sunset' | 'successor-version', string>>>
}

/** Limits of requests and downloads. The limiter decides all but `perAddress` in one step, after the capability was checked. */
export interface Limits<T extends Tenant = Tenant> {
  /**
   * The quota of each principal, or a function that returns it.
   * @defaultValue `{ capacity: 60, refill: 1, perMs: 1_000 }`
   */
  readonly perPrincipal?: Quota | ((principal: Principal, tenant: T) => Quota)
  /** The quota of each tenant, or a function that returns it. Absent: tenants have no quota. */
  readonly perTenant?: Quota | ((tenant: T) => Quota)
  /**
   * The quota of attempts to authenticate from one address. Each attempt takes a token, which is returned if the attempt proves a
   * principal. Absent: addresses have no quota.
   */
  readonly perAddress?: Quota
  /**
   * Budgets of bytes, for what downloads cost your network. A download takes the length of its body before its head is sent, and
   * gets back what was not sent when it ends. A budget that holds at least one byte admits a download of any length and may go into
   * debt; until that is paid, downloads are refused with `rate_limited`. Answers without bytes of an export cost nothing.
   * `capacity` and `refill` are bytes. Absent: bytes are not limited.
   */
  readonly bytes?: {
    /** The budget of each principal, or a function that returns it. Absent: principals have none. */
    readonly perPrincipal?: Quota | ((principal: Principal, tenant: T) => Quota)
    /** The budget of each tenant, or a function that returns it. Absent: tenants have none. */
    readonly perTenant?: Quota | ((tenant: T) => Quota)
  }
  /**
   * The most concurrent downloads. A download holds a slot until its last byte is sent or it is cut. `total` counts in each
   * process, the others in all processes that share the limiter. `total` absent: unlimited (the other limits still apply).
   *
   * On a store with a connection pool (S3), a principal or tenant without a number here has a share of the pool: another download is
   * refused when the principal holds at least a quarter as many connections as are free, or the tenant (in `multi` tenancy) at least as
   * many as are free. In addition, `perPrincipal` absent means 16, and `perTenant` absent means no limit.
   * @defaultValue `{ perPrincipal: 16 }`
   */
  readonly concurrent?: {
    /** Downloads of one principal. */
    readonly perPrincipal?: number
    /** Downloads of one organization. */
    readonly perTenant?: number
    /** Downloads of this process. */
    readonly total?: number
  }
  /**
   * The tokens that a response costs, as whole numbers. A range costs its fraction of `download`, rounded up, and at least
   * `range`.
   * @defaultValue 1 each
   */
  readonly cost?: {
    /** The cost of a whole export. */
    readonly download?: number
    /** The minimum cost of a range. */
    readonly range?: number
    /** The cost of a HEAD and a 304. */
    readonly head?: number
  }
  /**
   * `true`: responses also have `X-RateLimit-*` header fields.
   * @defaultValue false
   */
  readonly legacyFields?: boolean
  /**
   * The rate limiter that counts quotas, slots and bytes.
   * @defaultValue createMemoryLimiter()
   */
  readonly limiter?: RateLimiter
}

/** Deadlines of a download in milliseconds, and the slowest stores and clients that are accepted. */
export interface DeliveryOptions {
  /**
   * The most milliseconds from the request until status and header fields are sent, including all calls of the verifier, the
   * catalogue, the limiter and the store. When reached, the caller gets 503.
   * @defaultValue 15_000
   */
  readonly firstByteMs?: number
  /**
   * The most milliseconds in which the store sends no byte. When reached, the object is reopened at the next byte.
   * @defaultValue 15_000
   */
  readonly storeSilenceMs?: number
  /**
   * The slowest store that is accepted. Only the time in which the download waits for bytes counts. A slower store is reopened once.
   * If it is too slow again before it has sent `bytes`, the connection is cut.
   * @defaultValue `{ bytes: 61_440, perMs: 60_000 }`
   */
  readonly slowestStore?: {
    /** The fewest bytes in each window. */
    readonly bytes: number
    /** The length of the window, in milliseconds. */
    readonly perMs: number
  }
  /**
   * How long a download retries to reopen its object after the store broke off, sent nothing or did not answer. When `withinMs` or
   * `attempts` is reached, the connection is cut.
   *
   * The downloads of one handler take turns: per second at most a fifth of the running ones reopen, and at least 10. If an outage
   * affects all of them, the last one gets its turn after about 5 seconds. With a shorter `withinMs` some get no turn.
   * @defaultValue `{ withinMs: 60_000 }`, with unlimited attempts
   */
  readonly resume?: {
    /** The most consecutive attempts to reopen without receiving a byte. Absent: unlimited. */
    readonly attempts?: number
    /** The longest outage, in milliseconds from its beginning. */
    readonly withinMs?: number
  }
  /**
   * The slowest client that is accepted: it must take `bytes` in each `perMs` milliseconds. Bytes count when its socket's send buffer
   * accepts them, and time counts only while bytes wait for the client. A client that stops reading is cut after `perMs`; if `bytes`
   * is below 65,536, after the time in which it may take 65,536 bytes. Clients on a fast link must read faster: see docs/clients.md.
   * @defaultValue `{ bytes: 122_880, perMs: 120_000 }`
   */
  readonly slowestClient?: {
    /** The fewest bytes in each window. */
    readonly bytes: number
    /** The length of the window, in milliseconds. */
    readonly perMs: number
  }
  /**
   * The most bytes that one download sends per second, on average; bursts are of at most a quarter of a second. The handler pauses
   * between writes, and reads the store only as fast. `slowestClient` and `slowestStore` do not count the pauses; `lifetimeMs` does.
   * From 1,024. Absent: as fast as the client reads.
   */
  readonly bytesPerSecond?: number
  /**
   * The most milliseconds from the header fields to the last byte, pauses of `bytesPerSecond` included. When reached, the connection
   * is cut.
   * @defaultValue 86_400_000
   */
  readonly lifetimeMs?: number
  /**
   * `true`: a request for several ranges gets a `multipart/byteranges` response (RFC 9110 §14.6). `false`: its `Range` is ignored,
   * which RFC 9110 §14.2 allows. In both cases the connection is closed after the response.
   * @defaultValue false
   */
  readonly multipleRanges?: boolean
}
