import { Boom, isBoom } from '@hapi/boom'

import { printableText } from './http/field-values.ts'

/**
 * The reason why a request is refused. Each kind has one status. An `ErrorFormat` may show several kinds in the same way; the
 * event contains the true kind.
 */
export type RefusalKind =
  | 'invalid_request'
  | 'token_missing'
  | 'token_invalid'
  | 'ticket_invalid'
  | 'ticket_expired'
  | 'method_not_allowed'
  | 'tenant_forbidden'
  | 'capability_missing'
  | 'scope_missing'
  | 'rate_limited'
  | 'too_many_downloads'
  | 'export_not_found'
  | 'export_pending'
  | 'export_failed'
  | 'export_expired'
  | 'object_missing'
  | 'precondition_failed'
  | 'range_not_satisfiable'
  | 'internal'
  | 'upstream_error'
  | 'unavailable'
  | 'object_changed'

/** The HTTP status of each kind. An `ErrorFormat` may answer with another one. */
export const statusOf: Readonly<Record<RefusalKind, number>> = {
  invalid_request: 400,
  token_missing: 401,
  token_invalid: 401,
  ticket_invalid: 403,
  ticket_expired: 410,
  method_not_allowed: 405,
  tenant_forbidden: 403,
  capability_missing: 403,
  scope_missing: 403,
  rate_limited: 429,
  too_many_downloads: 429,
  export_not_found: 404,
  export_pending: 404,
  export_failed: 404,
  export_expired: 404,
  object_missing: 404,
  precondition_failed: 412,
  range_not_satisfiable: 416,
  internal: 500,
  upstream_error: 502,
  unavailable: 503,
  object_changed: 503,
}

/** A part of a request that breaks a rule. It contains no message: each error format writes its own. */
export type InvalidField = FieldRule & {
  /** The part, independent of the names that the host has chosen. */
  readonly part: 'export_id' | 'tenant' | 'version' | 'ticket'
  /** Where the part stands in the request. */
  readonly in: 'path' | 'query' | 'header'
  /** The name of the route parameter, query parameter or header. */
  readonly name: string
  /** The value that was sent, at full length: shorten it before you show it. `null`: nothing was sent, or it is secret. */
  readonly input: string | null
}

/** The rule that a part of a request breaks. */
export type FieldRule =
  | { readonly rule: 'required' | 'not_empty' | 'uuid' | 'once' }
  | { readonly rule: 'not_with'; readonly other: string }
  | { readonly rule: 'max_length'; readonly most: number }
  | { readonly rule: 'pattern'; readonly pattern: string }
  | { readonly rule: 'one_of'; readonly allowed: readonly string[] }

/** The kind of a refusal and its details. */
export interface RefusalDetail {
  readonly kind: RefusalKind
  readonly retryAfterMs?: number
  readonly fields?: readonly InvalidField[]
  /** Bytes of the whole object, for the `Content-Range` of a 416. */
  readonly size?: number
  /** The `error` parameter of a 401 challenge, if it is not the usual one of the kind. */
  readonly challenge?: 'invalid_request'
  /** The code of the `trouble` event that is reported with the refusal. Absent: none is reported. */
  readonly trouble?: TroubleCode
}

/** All codes of `trouble` events, each with the port that it is about. docs/events.md explains them. */
export const troublePorts = {
  verifier_failed: 'verifier',
  verifier_silent: 'verifier',
  verifier_unavailable: 'verifier',
  verifier_wrong: 'verifier',
  keys_not_refreshed: 'verifier',
  keys_stale: 'verifier',
  keys_empty: 'verifier',
  keys_weak: 'verifier',
  principal_malformed: 'verifier',
  tenants_failed: 'tenants',
  tenants_silent: 'tenants',
  tenants_unavailable: 'tenants',
  tenants_wrong: 'tenants',
  tenant_malformed: 'tenants',
  tenant_mismatch: 'tenants',
  catalogue_failed: 'catalogue',
  catalogue_silent: 'catalogue',
  catalogue_unavailable: 'catalogue',
  catalogue_wrong: 'catalogue',
  record_malformed: 'catalogue',
  record_mismatch: 'catalogue',
  record_unknown_member: 'catalogue',
  store_failed: 'store',
  store_silent: 'store',
  store_unavailable: 'store',
  store_wrong: 'store',
  store_cut: 'store',
  store_stalled: 'store',
  store_too_slow: 'store',
  store_overran: 'store',
  object_changed: 'store',
  record_stale: 'store',
  encoding_ignored: 'store',
  info_malformed: 'store',
  object_malformed: 'store',
  chunk_malformed: 'store',
  limiter_failed: 'limiter',
  limiter_silent: 'limiter',
  limiter_unavailable: 'limiter',
  limiter_wrong: 'limiter',
  admission_malformed: 'limiter',
  limiter_local: 'limiter',
  limiter_closed: 'limiter',
  limiter_back: 'limiter',
  limiter_key_unusable: 'limiter',
  limiter_renewal_failed: 'limiter',
  tickets_failed: 'tickets',
  tickets_silent: 'tickets',
  tickets_unavailable: 'tickets',
  tickets_wrong: 'tickets',
  audit_failed: 'audit',
  audit_silent: 'audit',
  audit_unavailable: 'audit',
  audit_wrong: 'audit',
  route_parameter_missing: 'adapter',
} as const

/** A port of the handler, or the adapter that mounts it, as `trouble` events name it. */
export type TroublePort = (typeof troublePorts)[keyof typeof troublePorts]

/** A port that the handler calls. */
export type CalledPort = Exclude<TroublePort, 'adapter'>

/** The codes of `trouble` events: all of them, or those about the ports `P`. */
export type TroubleCode<P extends TroublePort = TroublePort> = {
  [Code in keyof typeof troublePorts]: (typeof troublePorts)[Code] extends P ? Code : never
}[keyof typeof troublePorts]

/** Whether a value is a code about this port. */
export const isTroubleCode = <P extends TroublePort>(port: P, text: unknown): text is TroubleCode<P> =>
  Object.entries(troublePorts).some(([code, about]) => code === text && about === port)

/**
 * Refuses the request by throwing an error. For verifiers, `findTenant`, `findExport`, stores and limiters.
 *
 * @param kind - decides the status and the body of the response
 * @param because - `retryAfterMs`: milliseconds, sent as `Retry-After` in whole seconds, rounded up.
 *   `cause`: shown in events only, as a non-enumerable member; the client never gets it.
 *   `trouble`: the code of the `trouble` event, such as `'store_silent'`. Absent: for `'unavailable'`, `'upstream_error'`
 *   and `'internal'` the handler's code for the port that refused; for other kinds no trouble is reported
 * @throws a refusal, always; a TypeError if `trouble` is not a code of docs/events.md
 */
export function refuse(
  kind: RefusalKind,
  because: { readonly retryAfterMs?: number; readonly cause?: unknown; readonly trouble?: TroubleCode } = {},
): never {
  const { retryAfterMs, cause, trouble } = because
  if (trouble !== undefined && !Object.hasOwn(troublePorts, trouble))
    throw new TypeError(`refuse: trouble must be a code of docs/events.md; got '${trouble}'`)
  throw refusal(
    { kind, ...(retryAfterMs !== undefined && { retryAfterMs }), ...(trouble && { trouble }) },
    cause,
  )
}

/** Creates the error that {@link refuse} throws. Inside the library, with details that hosts do not give. */
export function refusal(detail: RefusalDetail, cause?: unknown): Error {
  const error = withoutStack(
    () => new Boom<RefusalDetail>(detail.kind, { statusCode: statusOf[detail.kind], data: detail }),
  )
  return cause === undefined ? error : Object.defineProperty(error, 'cause', { value: cause })
}

/** Makes an error without a stack trace: capturing it would dominate the cost of a refusal, and it is never shown. */
export function withoutStack<V>(make: () => V): V {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Creates the private cause of a refusal, without a stack trace. The text must not contain a token. */
export const because = (text: string): Error => withoutStack(() => new Error(text))

/**
 * Creates the private cause of a refusal from the condition that must hold and the value that was got.
 *
 * @param must - the condition, such as `record.state must be 'ready'`
 * @param got - the value; it is shortened. It must not be a token
 */
export const wantedGot = (must: string, got: unknown): Error => because(`${must}; got ${shown(got)}`)

const mostShown = 16

function shown(value: unknown): string {
  if (!Array.isArray(value)) return shownOne(value)
  const more = value.length > mostShown ? ', …' : ''
  return `[${value.slice(0, mostShown).map(shownOne).join(', ')}${more}]`
}

function shownOne(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return `'${printableText(value)}'`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : value.toISOString()
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** Reads the details of a refusal from a thrown value. `undefined`: the value is not a refusal. */
export function refusalDetail(thrown: unknown): RefusalDetail | undefined {
  return isBoom(thrown) && isDetail(thrown.data) ? thrown.data : undefined
}

/** Reads the kind of a refusal from what a port or `issueTicket` has thrown. `undefined`: the value is not a refusal. */
export const refusalKindOf = (thrown: unknown): RefusalKind | undefined => refusalDetail(thrown)?.kind

/** Reads the cause of a refusal. Any other thrown value is its own cause. Shown in events only. */
export const refusalCause = (thrown: unknown): unknown =>
  thrown instanceof Error && refusalDetail(thrown) ? thrown.cause : thrown

const isDetail = (data: unknown): data is RefusalDetail =>
  typeof data === 'object' &&
  data !== null &&
  'kind' in data &&
  typeof data.kind === 'string' &&
  Object.hasOwn(statusOf, data.kind)

/** A refusal as error formats receive it. It contains no private information such as causes, keys or tokens. */
export interface Refusal {
  /** Why the request is refused. */
  readonly kind: RefusalKind
  /** The HTTP status of this kind. */
  readonly status: number
  /** The value of `X-Request-Id`. */
  readonly requestId: string
  /** Milliseconds until the client should try again, also sent as `Retry-After`. Absent: unknown. */
  readonly retryAfterMs?: number
  /** Every invalid part of the request, path first. Only with the kind `'invalid_request'`. */
  readonly fields?: readonly InvalidField[]
}

/**
 * Makes the response body of a refusal. It may choose another status, from 400 to 599. The handler sets the header fields. Only
 * `Retry-After` can be changed: the format returns `retryAfterMs`, in milliseconds. If it does not, the refusal's own value is
 * sent, but none with 404, because that would distinguish a pending export from a missing one.
 *
 * Must be a pure, synchronous function. If it throws or returns anything else, the client gets a plain 500.
 */
export interface ErrorFormat {
  (refusal: Refusal): {
    readonly status: number
    readonly contentType: string
    readonly body: string
    readonly retryAfterMs?: number | undefined
  }
  /** The JSON Schemas of the bodies, for the OpenAPI description. Absent: the description says only that there is a body. */
  readonly bodies?: ErrorBodies
}

/** A JSON value. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject

/** A JSON object. */
export type JsonObject = { readonly [name: string]: JsonValue }

/** The JSON Schemas of the bodies of an error format. */
export interface ErrorBodies {
  /** JSON Schemas (2020-12) by name. One refers to another by `{ $ref: '#/components/schemas/<name>' }`. */
  readonly schemas: Readonly<Record<string, JsonObject>>
  /** Returns the name of the schema of the body of a refusal. */
  readonly schemaOf: (kind: RefusalKind) => string
}
