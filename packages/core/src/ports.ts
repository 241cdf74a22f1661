import type { ByteRange } from './http/byte-range.ts'
import type { ContentCoding } from './http/content-codings.ts'
import type { TroubleCode, TroublePort } from './refusals.ts'

export type { ByteRange } from './http/byte-range.ts'
export type { ContentCoding } from './http/content-codings.ts'

// ── who is asking, and for whom ──────────────────────────────────────────────────────────────────────────────────

/** The verified claims of a token, deeply frozen. */
export type Claims = Readonly<Record<string, unknown>>

/** Who a token proves, and what it grants. Deeply frozen where it comes from this library's verifiers. */
export interface Principal {
  /** Who vouches. Unique together with `subject`. */
  readonly issuer: string
  readonly subject: string
  /**
   * Names of the organizations that the token proves. Empty: it is of no organization, which single tenancy accepts. An
   * empty text stands for a claim that is there and is no name: it equals no organization, so single tenancy refuses.
   */
  readonly organizations: readonly string[]
  readonly capabilities: readonly string[]
  /** Verified claims, for permitted scopes in `findExport`. Never logged. */
  readonly claims: Claims
}

/** What a verifier is told of the caller beside the token. */
export interface Caller {
  /** The caller's address, so that a verifier can share what it has among addresses. Absent: unknown. */
  readonly address?: string | undefined
}

/** Verifies access tokens. Its members do not use `this`, so `{ ...verifier, verify }` wraps one. */
export interface TokenVerifier {
  /**
   * Resolves to the principal that the token proves. Refuses a token with `refuse('token_invalid')`; any other rejection
   * is a fault of the verifier: the caller gets 503 and `onEvent` a `trouble`.
   */
  readonly verify: (token: string, signal: AbortSignal, caller?: Caller) => Promise<Principal>
  /**
   * Resolves once it can verify, for example once it has keys. Rejects with the cause where it cannot. Absent: it always
   * can.
   */
  readonly ready?: (signal: AbortSignal) => Promise<void>
  /** Reports faults that did not stop it from verifying. Absent: it has none to report. */
  readonly onTrouble?: TroubleSource<'verifier'>
}

/**
 * Registers a listener for faults that a port survives. `code` is one of the codes about this port; `cause` reaches events
 * only.
 */
export type TroubleSource<P extends TroublePort = TroublePort> = (
  listener: (code: TroubleCode<P>, cause?: unknown) => void,
) => void

/** Picks organizations and capabilities out of verified claims. */
export type ReadClaims = (claims: Claims) => Pick<Principal, 'organizations' | 'capabilities'>

/** An organization, as the host knows it. `id` is stable; `name` is what clients send, in `X-Org-Name` by default. */
export interface Tenant {
  readonly id: string
  readonly name: string
}

/** Where a request names its organization. */
interface TenantNamePlace {
  /**
   * The request header that holds the name.
   * @defaultValue 'X-Org-Name'
   */
  readonly header?: string
  /** The route parameter that holds the name, in place of a header. Absent: the name is in the header. */
  readonly parameter?: string
}

/** The request names an organization, by default in `X-Org-Name`. It chooses among those that the token proves and never adds one. */
export interface MultiTenancy<T extends Tenant> extends TenantNamePlace {
  readonly mode: 'multi'
  /** Gives the organization of that name; `undefined` or `null`: there is none. Asked only for names the token proves. */
  readonly findTenant: (
    name: string,
    principal: Principal,
    signal: AbortSignal,
  ) => Promise<T | null | undefined>
  /**
   * Asked for a name that the token lacks and `findTenant` knows. A rejection is refused like an organization that does
   * not exist (403), and `onEvent` gets a `trouble`. Absent: such a name is refused, unasked.
   */
  readonly isMember?: (principal: Principal, tenant: T, signal: AbortSignal) => Promise<boolean>
  /**
   * `true`: a principal of exactly one organization need not name it.
   * @defaultValue false
   */
  readonly headerOptional?: boolean
  /**
   * What a name looks like. The whole name must match, and it has at most 64 characters.
   * @defaultValue ASCII letters and digits, inside also `.`, `_` and `-`
   */
  readonly namePattern?: RegExp
}

/** One organization for the whole service. A request or a token that names another one is refused. */
export interface SingleTenancy<T extends Tenant> extends TenantNamePlace {
  readonly mode: 'single'
  readonly tenant: T
}

// ── the store ────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Where objects lie. Refuses `'unavailable'` when there is no answer and `'upstream_error'` when it is a wrong one;
 * `get` also `'object_changed'`.
 */
export interface ExportStore {
  /** Describes an object. `undefined`: no such object. */
  head(key: string, signal: AbortSignal): Promise<ObjectInfo | undefined>
  /** Describes and opens an object in one round trip. `undefined`: no such object. */
  get(key: string, options: GetOptions, signal: AbortSignal): Promise<OpenObject | undefined>
  /**
   * The connections that its downloads use. No principal and no tenant may then take them all, unless the host sets
   * `limits.concurrent`. A store in front of another one passes them on. Absent: the store opens as many as are asked for.
   */
  readonly connections?: StoreConnections
  /**
   * Reports faults that did not stop it from serving. A store in front of another one passes it on. Absent: it has none to
   * report.
   */
  readonly onTrouble?: TroubleSource<'store'>
}

/** What the downloads of a store use of a pool of connections. */
export interface StoreConnections {
  /** The same object for all stores that share the connections. */
  readonly pool: {
    /** How many connections there are. Asked for each download. */
    readonly size: () => number
  }
  /** How many one download holds at most. */
  readonly perDownload: number
}

/** What part of an object to open, and under what condition. */
export interface GetOptions {
  /** Absent: the whole. */
  readonly range?: ByteRange
  /** The validator that the object must still have: else `'object_changed'`. Absent: any. */
  readonly ifMatch?: string
  /**
   * `true`: chunks may reuse memory; each is valid only until the next is asked for.
   * @defaultValue false
   */
  readonly borrow?: boolean
}

/** What a store says of an object. */
export interface ObjectInfo {
  /** Bytes of the whole, as stored. */
  readonly size: number
  /**
   * Strong: differs whenever a byte does, and equal in every process and replica (S3: version or ETag; disk: size and
   * modification time in nanoseconds). The ETag is a hash of it.
   */
  readonly validator: string
  readonly lastModified?: Date
  /** 64 hex digits, of the whole as stored. */
  readonly sha256?: string
  /** The content coding that the object is stored in. Absent: none. */
  readonly encoding?: ContentCoding
}

/** An object and its bytes. Whoever gets one closes it: read, half read or never read. */
export interface OpenObject {
  readonly info: ObjectInfo
  /** Read once; none empty. The signal of `get` ends with its answer: from then on `close` rules. */
  readonly chunks: AsyncIterable<Uint8Array>
  /** Lets go at once, also under a pending read, which then settles. Twice is once; never throws. */
  close(): void
}

// ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** A token bucket: `refill` tokens every `perMs` milliseconds, up to `capacity`. Whole numbers. */
export interface Quota {
  readonly capacity: number
  readonly refill: number
  readonly perMs: number
}

/** Takes what a request needs in one step: the cost from every quota and one of every kind of slot, or nothing. */
export interface RateLimiter {
  /** Decides about one request. What it throws is a fault of the limiter: the caller reads 503. */
  admit(ask: AdmissionAsk, signal: AbortSignal): Promise<Admission>
  /** Tells of faults that did not stop it. Absent: it has none to tell. */
  readonly onTrouble?: TroubleSource<'limiter'>
}

/** What one request asks of the limiter. */
export interface AdmissionAsk {
  /**
   * A distributed limiter keeps all buckets and slots of one partition on one node, so that it can decide in one step. A key
   * must always come with the same partition.
   */
  readonly partition: string
  readonly quotas: readonly {
    /** As the `RateLimit` field shows it. */
    readonly name: string
    /** Names the bucket, in parts. */
    readonly key: readonly string[]
    /**
     * Keys of larger groups that this key belongs to, smallest group first. A limiter of bounded memory that has no room for
     * another `key` may count under one of them instead. Absent: there are none.
     */
    readonly coarser?: readonly (readonly string[])[]
    readonly quota: Quota
  }[]
  /** Concurrent downloads: at most `limit` are open under one `key`. */
  readonly slots: readonly {
    readonly name: string
    readonly key: readonly string[]
    readonly limit: number
    /** Whether the limit holds for this process or for all processes that share the limiter. */
    readonly scope: 'process' | 'fleet'
  }[]
  /** Whole tokens to take from each quota. 0: takes nothing, and is admitted while every quota has a token. */
  readonly cost: number
}

/** The limiter's decision. */
export type Admission =
  | {
      readonly admitted: true
      readonly left: readonly QuotaLeft[]
      /** Gives the slots back. A second call does nothing. Never throws. */
      release(): void
      /**
       * Gives `tokens` back to each quota, for what was paid and not used. All calls together give back at most the cost.
       * Returns at once and never throws; a limiter that cannot be reached keeps the tokens.
       */
      refund(tokens: number): void
    }
  | {
      readonly admitted: false
      readonly left: readonly QuotaLeft[]
      /** The name of the quota or slot that refused. */
      readonly by: string
      /** Milliseconds. For a quota exact: asked again then, it admits if nobody else came. */
      readonly retryAfterMs: number
    }

/** What is left of one quota: whole tokens, and milliseconds until the next. 0 ms: it is full. */
export interface QuotaLeft {
  readonly name: string
  readonly tokens: number
  readonly nextMs: number
}
