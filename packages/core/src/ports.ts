import type { ByteRange } from './http/byte-range.ts'
import type { ContentCoding } from './http/content-codings.ts'
import type { TroubleCode, TroublePort } from './refusals.ts'

export type { ByteRange } from './http/byte-range.ts'
export type { ContentCoding } from './http/content-codings.ts'

// ── callers and organizations ────────────────────────────────────────────────────────────────────────────────────

/** The verified claims of a token, deeply frozen. */
export type Claims = Readonly<Record<string, unknown>>

/** The identity that a token proves, and the permissions that it grants. This library's verifiers return it deeply frozen. */
export interface Principal {
  /** The authority that issued the token, such as the `iss` of a JWT. Unique together with `subject`. */
  readonly issuer: string
  /** The user or client that the token was issued to, such as the `sub` of a JWT. */
  readonly subject: string
  /**
   * Names of the organizations that the token proves. Empty: the token belongs to no organization, which single tenancy
   * accepts. An empty string stands for an organization claim that holds no valid name. It matches no organization, so
   * single tenancy refuses it.
   */
  readonly organizations: readonly string[]
  /** The capabilities that the token grants. One must equal the option `capability`. */
  readonly capabilities: readonly string[]
  /** Verified claims. `findExport` can read permitted scopes from them. Never logged. */
  readonly claims: Claims
}

/** Facts about the caller that a verifier receives beside the token. */
export interface Caller {
  /** The caller's address. A verifier uses it to share its capacity fairly between addresses. Absent: unknown. */
  readonly address?: string | undefined
}

/** Verifies access tokens. Its members do not use `this`, so `{ ...verifier, verify }` wraps one. */
export interface TokenVerifier {
  /**
   * Resolves to the principal that the token proves. Refuses a token with `refuse('token_invalid')`. Any other rejection
   * is a fault of the verifier: the caller gets 503, and `onEvent` receives a `trouble`.
   */
  readonly verify: (token: string, signal: AbortSignal, caller?: Caller) => Promise<Principal>
  /**
   * Resolves once the verifier can verify, for example once it has keys. Rejects with the cause if it cannot. Absent: it
   * can always verify.
   */
  readonly ready?: (signal: AbortSignal) => Promise<void>
  /** Reports faults that did not stop the verifier from verifying. Absent: it reports none. */
  readonly onTrouble?: TroubleSource<'verifier'>
}

/**
 * Registers a listener for faults that did not stop a port. `code` is one of the codes about this port. `cause` is shown in
 * events only.
 */
export type TroubleSource<P extends TroublePort = TroublePort> = (
  listener: (code: TroubleCode<P>, cause?: unknown) => void,
) => void

/** Reads organizations and capabilities from verified claims. */
export type ReadClaims = (claims: Claims) => Pick<Principal, 'organizations' | 'capabilities'>

/** An organization of the host. */
export interface Tenant {
  /** A stable id. It must not change when the organization is renamed. */
  readonly id: string
  /** The name that clients send, by default in `X-Org-Name`, and that tokens contain. */
  readonly name: string
}

/** The part of a request that names the organization. */
interface TenantNamePlace {
  /**
   * The request header that holds the name.
   * @defaultValue 'X-Org-Name'
   */
  readonly header?: string
  /** The route parameter that holds the name, instead of a header. Absent: the name is in the header. */
  readonly parameter?: string
}

/**
 * Many organizations share the service. The request names one of those that the token proves, by default in `X-Org-Name`.
 */
export interface MultiTenancy<T extends Tenant> extends TenantNamePlace {
  /** Selects multi tenancy. */
  readonly mode: 'multi'
  /**
   * Finds the organization with this name. `undefined` or `null`: it does not exist. Without `isMember`, called only for
   * names that the token proves.
   */
  readonly findTenant: (
    name: string,
    principal: Principal,
    signal: AbortSignal,
  ) => Promise<T | null | undefined>
  /**
   * Decides whether the principal belongs to an organization that `findTenant` found and the token does not name. If it
   * rejects, the caller gets the same 403 as for an organization that does not exist, and `onEvent` receives a `trouble`.
   * Absent: the request is refused, and `findTenant` is not called.
   */
  readonly isMember?: (principal: Principal, tenant: T, signal: AbortSignal) => Promise<boolean>
  /**
   * `true`: the request need not name the organization if the token proves exactly one.
   * @defaultValue false
   */
  readonly headerOptional?: boolean
  /**
   * The pattern of names. The whole name must match, and it has at most 64 characters.
   * @defaultValue ASCII letters and digits, and between them also `.`, `_` and `-`
   */
  readonly namePattern?: RegExp
}

/** One organization for the whole service. A request or a token that names another one is refused. */
export interface SingleTenancy<T extends Tenant> extends TenantNamePlace {
  /** Selects single tenancy. */
  readonly mode: 'single'
  /** The only organization. */
  readonly tenant: T
}

// ── the store ────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Reads objects from a storage service or a disk. Refuses `'unavailable'` when the service gives no answer,
 * `'upstream_error'` when the answer is wrong, and in `get` also `'object_changed'`.
 */
export interface ExportStore {
  /** Describes an object. `undefined`: no such object. */
  head(key: string, signal: AbortSignal): Promise<ObjectInfo | undefined>
  /** Describes and opens an object in one round trip. `undefined`: no such object. */
  get(key: string, options: GetOptions, signal: AbortSignal): Promise<OpenObject | undefined>
  /**
   * The connections that downloads from this store use. If present, the handler lets no principal and no tenant take them
   * all, unless the host sets `limits.concurrent`. A store that wraps another one passes them on. Absent: the number of
   * connections is not limited.
   */
  readonly connections?: StoreConnections
  /**
   * Reports faults that did not stop the store from serving. A store that wraps another one passes it on. Absent: it
   * reports none.
   */
  readonly onTrouble?: TroubleSource<'store'>
}

/** The connection pool of a store. */
export interface StoreConnections {
  /** The pool. Stores that share connections must give the same object. */
  readonly pool: {
    /** Returns the number of connections in the pool. Called for each download. */
    readonly size: () => number
  }
  /** The most connections that one download uses. */
  readonly perDownload: number
}

/** Options of {@link ExportStore.get}. */
export interface GetOptions {
  /** The bytes to open. Absent: the whole object. */
  readonly range?: ByteRange
  /** The validator that the object must still have. If it has another one, `get` refuses `'object_changed'`. Absent: any. */
  readonly ifMatch?: string
  /**
   * `true`: the store may reuse the memory of a chunk once the next chunk is requested.
   * @defaultValue false
   */
  readonly borrow?: boolean
}

/** The description of a stored object. */
export interface ObjectInfo {
  /** Bytes of the whole object, as stored. */
  readonly size: number
  /**
   * A strong validator (RFC 9110 §8.8.1): it changes whenever a byte changes, and it is equal in every process and replica.
   * S3: version or ETag. Disk: size and modification time in nanoseconds. The ETag of a response is a hash of it.
   */
  readonly validator: string
  /** When the object was last changed, used for the `Last-Modified` header. Absent: unknown; the header is not sent. */
  readonly lastModified?: Date
  /** The SHA-256 of the whole object as stored, as 64 hex digits. Absent: unknown. */
  readonly sha256?: string
  /** The content coding that the object is stored in. Absent: none. */
  readonly encoding?: ContentCoding
}

/** An open object. The caller of `get` must close it, whether or not it was read. */
export interface OpenObject {
  /** The description of the object that was opened. */
  readonly info: ObjectInfo
  /**
   * The bytes, as chunks that are not empty. Can be read once. The signal of `get` has no effect once `get` has resolved:
   * to stop reading, call `close`.
   */
  readonly chunks: AsyncIterable<Uint8Array>
  /** Releases the object immediately. A pending read then settles. A second call does nothing. Never throws. */
  close(): void
}

// ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** A token bucket: it gains `refill` tokens every `perMs` milliseconds, up to `capacity`. All are whole numbers. */
export interface Quota {
  /** The most tokens that the bucket holds. A new bucket is full. */
  readonly capacity: number
  /** Tokens that the bucket gains every `perMs` milliseconds. */
  readonly refill: number
  /** Milliseconds in which the bucket gains `refill` tokens. */
  readonly perMs: number
}

/** A rate limiter. It takes the cost from every quota and one of every slot in one step, or takes nothing. */
export interface RateLimiter {
  /** Decides whether to admit one request. A rejection is a fault of the limiter: the caller gets 503. */
  admit(ask: AdmissionAsk, signal: AbortSignal): Promise<Admission>
  /** Reports faults that did not stop the limiter from deciding. Absent: it reports none. */
  readonly onTrouble?: TroubleSource<'limiter'>
}

/** The quotas and slots that one request needs. */
export interface AdmissionAsk {
  /**
   * A distributed limiter keeps all buckets and slots of one partition on one node, so that it can decide in one step. A key
   * must always come with the same partition.
   */
  readonly partition: string
  /** The token buckets to take `cost` from. */
  readonly quotas: readonly {
    /** The name of the quota in the `RateLimit` header. */
    readonly name: string
    /** Identifies the bucket, in parts. */
    readonly key: readonly string[]
    /**
     * Keys of larger groups that this key belongs to, smallest group first. A limiter of bounded memory that has no room for
     * another `key` may count under one of them instead. Absent: there are none.
     */
    readonly coarser?: readonly (readonly string[])[]
    /** The size and the refill of the bucket. */
    readonly quota: Quota
  }[]
  /** Concurrent downloads: at most `limit` are open under one `key`. */
  readonly slots: readonly {
    /** The name of the slot, for `by` of a refusal. */
    readonly name: string
    /** Identifies the counter, in parts. */
    readonly key: readonly string[]
    /** The most slots that may be taken under this key at the same time. */
    readonly limit: number
    /** Whether the limit holds for this process or for all processes that share the limiter. */
    readonly scope: 'process' | 'fleet'
  }[]
  /** Whole tokens to take from each quota. 0: takes nothing, and is admitted while every quota has a token. */
  readonly cost: number
  /**
   * `true`: the request is admitted while every quota has a token, whatever it costs. A bucket that holds less than the cost goes
   * into debt: it holds no token again until it has gained what it owes and one token more.
   * @defaultValue false
   */
  readonly allowDebt?: boolean
}

/** The limiter's decision. */
export type Admission =
  | {
      readonly admitted: true
      readonly left: readonly QuotaLeft[]
      /** Releases the slots. A second call does nothing. Never throws. */
      release(): void
      /**
       * Returns `tokens` to each quota, because the request cost less than it paid. They also reduce a debt. All calls together
       * return at most the cost, and no bucket gets more than its capacity. May be called hours after the admission. Returns
       * immediately and never throws. If the limiter cannot be reached, the tokens are lost.
       */
      refund(tokens: number): void
    }
  | {
      readonly admitted: false
      readonly left: readonly QuotaLeft[]
      /** The name of the quota or slot that refused. */
      readonly by: string
      /** Milliseconds to wait. For a quota exact: a request after that time is admitted if no other request came before. */
      readonly retryAfterMs: number
    }

/** The remaining tokens of one quota. */
export interface QuotaLeft {
  /** The name of the quota, as in {@link AdmissionAsk}. */
  readonly name: string
  /** Whole tokens that remain. 0 also while the bucket has a debt. */
  readonly tokens: number
  /** Milliseconds until the bucket has one whole token more, after its debt is paid. 0: the bucket is full. */
  readonly nextMs: number
}
