import { Boom, isBoom } from '@hapi/boom'

import { printableText } from './http/field-values.ts'

/**
 * Why a request is answered with no. Each kind has one status; an `ErrorFormat` may show several kinds alike, and the
 * event tells the true one.
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

/** What is wrong with one part of a request. It has no wording: each error format words it in its own way. */
export type InvalidField = FieldRule & {
  /** Which part it is, whatever the host has named it. */
  readonly part: 'export_id' | 'tenant' | 'version' | 'ticket'
  readonly in: 'path' | 'query' | 'header'
  /** The name of the route parameter, query parameter or header. */
  readonly name: string
  /** What was sent, whole: cut it before you show it. `null`: nothing was sent, or it is secret. */
  readonly input: string | null
}

/** The rule that a part of a request breaks. */
export type FieldRule =
  | { readonly rule: 'required' | 'not_empty' | 'uuid' | 'once' }
  | { readonly rule: 'not_with'; readonly other: string }
  | { readonly rule: 'max_length'; readonly most: number }
  | { readonly rule: 'pattern'; readonly pattern: string }
  | { readonly rule: 'one_of'; readonly allowed: readonly string[] }

/** What a refusal carries besides its kind. Only `cause` comes from outside, and it reaches events alone. */
export interface RefusalDetail {
  readonly kind: RefusalKind
  readonly retryAfterMs?: number
  readonly fields?: readonly InvalidField[]
  /** Bytes of the whole object, as a 416 names it in `Content-Range`. */
  readonly size?: number
  /** The `error` member of a 401 challenge, where it is not the kind's usual one. */
  readonly challenge?: 'invalid_request'
  /** The code of the `trouble` event that is reported with it. Absent: none is. */
  readonly trouble?: TroubleCode
}

/** The codes of `trouble` events, with the port that each is about. There are no others. docs/events.md explains each. */
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

/** Every code of a `trouble` event, or those about the ports `P`. */
export type TroubleCode<P extends TroublePort = TroublePort> = {
  [Code in keyof typeof troublePorts]: (typeof troublePorts)[Code] extends P ? Code : never
}[keyof typeof troublePorts]

/** Whether a text is a code about this port. */
export const isTroubleCode = <P extends TroublePort>(port: P, text: unknown): text is TroubleCode<P> =>
  Object.entries(troublePorts).some(([code, about]) => code === text && about === port)

/**
 * Says no, by throwing. For verifiers, finders and stores.
 *
 * @param kind - decides the status and the body
 * @param because - `retryAfterMs`: milliseconds, shown as `Retry-After` in whole seconds, rounded up.
 *   `cause`: reaches events only, as a non-enumerable member; never the wire.
 *   `trouble`: the code of the `trouble` event, such as `'store_silent'`. Absent: for `'unavailable'`, `'upstream_error'`
 *   and `'internal'` the guard's own code for the port that refused; for other kinds no event
 * @throws always
 */
export function refuse(
  kind: RefusalKind,
  because: {
    readonly retryAfterMs?: number
    readonly cause?: unknown
    readonly trouble?: TroubleCode
  } = {},
): never {
  const { retryAfterMs, cause, trouble } = because
  if (trouble !== undefined && !Object.hasOwn(troublePorts, trouble))
    throw new TypeError(`refuse: trouble must be a code of docs/events.md; got '${trouble}'`)
  throw refusal(
    { kind, ...(retryAfterMs !== undefined && { retryAfterMs }), ...(trouble && { trouble }) },
    cause,
  )
}

/** The error that {@link refuse} throws, for steps that have more to say than a host does. */
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

/** The private cause of a refusal, without a stack trace. It must not hold a token. */
export const because = (text: string): Error => withoutStack(() => new Error(text))

/**
 * The private cause of a refusal: what must hold, and what was got.
 *
 * @param must - such as `record.state must be 'ready'`
 * @param got - shown in short. It must not be a token
 */
export const gotWanted = (must: string, got: unknown): Error => because(`${must}; got ${shown(got)}`)

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

/** What a thrown value says no with; undefined: it is no refusal but a fault. */
export function refusalDetail(thrown: unknown): RefusalDetail | undefined {
  return isBoom(thrown) && isDetail(thrown.data) ? thrown.data : undefined
}

/** What a refusal was thrown because of; of anything else, the thing itself. Reaches events only. */
export const refusalCause = (thrown: unknown): unknown =>
  thrown instanceof Error && refusalDetail(thrown) ? thrown.cause : thrown

const isDetail = (data: unknown): data is RefusalDetail =>
  typeof data === 'object' &&
  data !== null &&
  'kind' in data &&
  typeof data.kind === 'string' &&
  Object.hasOwn(statusOf, data.kind)

/** What an error format is given to show. It holds nothing of the inside. */
export interface Refusal {
  /** Why the request is refused. */
  readonly kind: RefusalKind
  /** The HTTP status of this kind. */
  readonly status: number
  /** As in `X-Request-Id`. */
  readonly requestId: string
  /** Milliseconds; also shown as `Retry-After`. */
  readonly retryAfterMs?: number
  /** Of `'invalid_request'`: every fault found, path first. */
  readonly fields?: readonly InvalidField[]
}

/**
 * Gives a refusal its body, and may give it another status, from 400 to 599. Its header fields are the core's, but when
 * to come back may be the format's: `retryAfterMs`, in milliseconds, becomes `Retry-After`. Absent: the refusal's own,
 * and none with 404, where it would tell an export that is not ready from a missing one. Pure; one that throws, or gives
 * no such answer, is a plain 500.
 */
export type ErrorFormat = (refusal: Refusal) => {
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly retryAfterMs?: number | undefined
}
