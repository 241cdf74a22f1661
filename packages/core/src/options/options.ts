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

/** Everything a host decides. `T` is the host's own tenant type, handed from `findTenant` to `findExport` and `store`. */
export interface ExportHandlerOptions<T extends Tenant = Tenant> {
  /** Proves who is asking: `createJwtVerifier`, `createIntrospectionVerifier`, `createBearerVerifier`, or your own. */
  readonly verifier: TokenVerifier
  /** How the organization of a request is found: one of many, or the only one. */
  readonly tenancy: MultiTenancy<T> | SingleTenancy<T>
  /** What the principal must hold, compared whole. */
  readonly capability: string
  /** Finds the record of an export in the host's catalogue. */
  readonly findExport: FindExport<T>
  /** A function gives each tenant a bucket or prefix of its own; keep the stores you make. */
  readonly store: ExportStore | ((tenant: T) => ExportStore)
  /**
   * The route parameter that holds the export id, and its name in validation errors.
   * @defaultValue 'exportId'
   */
  readonly idParameter?: string
  /**
   * What an export id looks like. The whole id must match, it has at most 128 characters, and the id of a record is compared with
   * it exactly. Absent: a UUID or GUID (32 hexadecimal digits in five groups), whose case does not count.
   */
  readonly idPattern?: RegExp
  /**
   * The request header that names the version. The response header of the same name says which version answered.
   * @defaultValue 'X-API-Version'
   */
  readonly versionHeader?: string
  /**
   * By the value of `versionHeader`.
   * @defaultValue `{ v1: {} }`
   */
  readonly versions?: Readonly<Record<string, VersionOptions>>
  /**
   * Which version answers when `versionHeader` is not sent.
   * @defaultValue 'v1'
   */
  readonly defaultVersion?: string
  /**
   * Lets browsers download by a link: `createTickets`. Mount `exportTicket` of the adapter beside `exportDownload`. Absent: there are
   * no tickets, and a query means nothing.
   */
  readonly tickets?: Tickets
  /** Quotas and concurrent downloads. Absent: the defaults of each. */
  readonly limits?: Limits<T>
  /** Times and paces of a download. Absent: the defaults of each. */
  readonly delivery?: DeliveryOptions
  /** Told what happened. What it throws or rejects with is ignored: a broken sink harms no download. */
  readonly onEvent?: (event: ExportEvent) => void
  /** Awaited before the first byte, for at most 2,000 ms; a failure or silence is 503. Absent: nothing is awaited. */
  readonly audit?: (event: DownloadStarted, signal: AbortSignal) => Promise<void>
  /**
   * ms since the epoch, for expiry and dates. Durations are measured by a monotonic clock.
   * @defaultValue Date.now
   */
  readonly now?: () => number
}

/** One version of the endpoint: how it refuses and how it names formats. */
export interface VersionOptions {
  /** @defaultValue problemDetails() */
  readonly errors?: ErrorFormat
  /** Content-Type by record format, over the known ones: jsonl, csv, json and `.gz` of each. */
  readonly mediaTypes?: Readonly<Record<string, string>>
  /** Shown as `Deprecation` (RFC 9745). Changes nothing else. */
  readonly deprecated?: Date
  /** Shown as `Sunset` (RFC 8594); not before `deprecated`. From then on the version is unknown. */
  readonly sunset?: Date
  /** Shown as `Link` fields: absolute URLs. */
  readonly links?: Readonly<Partial<Record<'deprecation' | 'sunset' | 'successor-version', string>>>
}

/** Asked after the capability and before the catalogue, all in one `admit`. */
export interface Limits<T extends Tenant = Tenant> {
  /** @defaultValue `{ capacity: 60, refill: 1, perMs: 1_000 }` */
  readonly perPrincipal?: Quota | ((principal: Principal, tenant: T) => Quota)
  /** Absent: tenants are not counted. */
  readonly perTenant?: Quota | ((tenant: T) => Quota)
  /**
   * Attempts to authenticate from one address. An attempt takes a token, which is given back when it proves a principal. Absent:
   * addresses are not counted.
   */
  readonly perAddress?: Quota
  /**
   * Downloads at the same time; a slot is held until the last byte or the cut. `total` counts in each process, the others in all
   * processes that share the limiter. `total` absent: unlimited (the other limits still apply).
   *
   * `perPrincipal` absent: 16, and on a store with a pool of connections (S3) another download only while the principal
   * holds less than a quarter of those that are free. `perTenant` absent: unlimited, and on such a store another download only
   * while the tenant holds fewer than are free (`multi` tenancy). A number takes the place of the share.
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
   * Whole tokens that an answer costs. A range costs the same part of `download` as it is of the export, rounded up, and at
   * least `range`.
   * @defaultValue 1 each
   */
  readonly cost?: {
    /** The whole export. */
    readonly download?: number
    /** The least that a range costs. */
    readonly range?: number
    /** HEAD and 304. */
    readonly head?: number
  }
  /**
   * `true`: `X-RateLimit-*` fields too.
   * @defaultValue false
   */
  readonly legacyFields?: boolean
  /** @defaultValue createMemoryLimiter() */
  readonly limiter?: RateLimiter
}

/** How long each side may take. All in milliseconds. */
export interface DeliveryOptions {
  /**
   * From the request to its head, all look-ups included; then 503.
   * @defaultValue 15_000
   */
  readonly firstByteMs?: number
  /**
   * How long we wait while the store sends nothing; then the object is re-opened where it stopped.
   * @defaultValue 15_000
   */
  readonly storeSilenceMs?: number
  /**
   * The slowest store that is waited for, counted only while the download waits for its bytes. Below it the object is
   * re-opened once; below it again, before `bytes` have come, the connection is cut.
   * @defaultValue `{ bytes: 61_440, perMs: 60_000 }`
   */
  readonly slowestStore?: {
    /** Bytes in each window. */
    readonly bytes: number
    /** Milliseconds of the window. */
    readonly perMs: number
  }
  /**
   * How long a download tries to open its object again after the store broke off, fell silent or gave no answer.
   * `withinMs`: milliseconds from the beginning of the outage. `attempts`: re-opens in a row without a byte. Then the
   * connection is cut.
   *
   * The downloads of one handler take turns: per second at most a fifth of the running ones re-open, and at least 10. So
   * after an outage of all of them the last turn comes after about 5 seconds. With less `withinMs` some get none.
   * @defaultValue `{ withinMs: 60_000 }`, with unlimited attempts
   */
  readonly resume?: {
    /** Re-opens in a row without a byte. Absent: unlimited. */
    readonly attempts?: number
    /** Milliseconds of one outage. */
    readonly withinMs?: number
  }
  /**
   * The slowest client that is served: it must take `bytes` in `perMs` milliseconds, counted as its socket's send buffer
   * takes them, and only while bytes wait for it. A client that stops is cut after `perMs`. `bytes` below 65,536: after
   * the time in which 65,536 bytes may be taken. Readers on a fast link must take more: see docs/clients.md.
   * @defaultValue `{ bytes: 122_880, perMs: 120_000 }`
   */
  readonly slowestClient?: {
    /** Bytes in each window. */
    readonly bytes: number
    /** Milliseconds of the window. */
    readonly perMs: number
  }
  /**
   * From the head to the last byte; then the connection is cut.
   * @defaultValue 86_400_000
   */
  readonly lifetimeMs?: number
  /**
   * `true`: a request for several ranges is answered with `multipart/byteranges` (RFC 9110 §14.6). `false`: as if it had
   * no `Range`, which RFC 9110 §14.2 allows. Either way the answer closes its connection.
   * @defaultValue false
   */
  readonly multipleRanges?: boolean
}
