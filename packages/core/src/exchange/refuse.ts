import { DeliveryError } from '../delivery/delivery-error.ts'
import { wholeBody } from '../delivery/start-delivery.ts'
import type { Outcome } from '../events.ts'
import { formatChallenge } from '../http/bearer.ts'
import { formatUnsatisfiedRange } from '../http/byte-range.ts'
import { retryAfterSeconds } from '../http/response-fields.ts'
import type { ErrorFormat, Refusal, RefusalDetail, RefusalKind } from '../refusals.ts'
import { wantedGot, refusalCause, refusalDetail, statusOf } from '../refusals.ts'
import type { ExportResponse } from '../request-response.ts'
import type { Route } from '../steps/check-method.ts'
import { allowedMethods } from '../steps/check-method.ts'
import type { Exchange } from './exchange.ts'

/** Handles everything that the pipeline throws: makes the response, reports the events and ends the exchange. */
export function refuseExchange(
  thrown: unknown,
  terms: RefusalTerms,
  { draft, end, stop, trouble }: Exchange,
): ExportResponse {
  const detail = whyRefused(thrown)
  const cause = refusalCause(thrown)
  const { answer, kind, bug } = answerTo(detail, terms)
  if (draft.status === 0) Object.assign(draft, { status: answer.status, kind, bytesPromised: 0, ranges: [] })
  if (detail.trouble) trouble(detail.trouble, cause)
  end(kind === 'internal' ? 'failed' : 'refused', bug ?? cause)
  stop(thrown)
  return answer
}

/** Makes the response. If the error format throws, the kind is `internal`, and `bug` is what it threw. */
function answerTo(
  detail: RefusalDetail,
  terms: RefusalTerms,
): { readonly answer: ExportResponse; readonly kind: RefusalKind; readonly bug?: unknown } {
  try {
    return { answer: refusalAnswer(detail, terms), kind: detail.kind }
  } catch (bug) {
    return { answer: plainAnswer(terms), kind: 'internal', bug }
  }
}

/** The refusal for a thrown value. A value that is neither a refusal nor a {@link DeliveryError} is a bug in this library. */
function whyRefused(thrown: unknown): RefusalDetail {
  const detail = refusalDetail(thrown)
  if (detail) return detail
  if (!(thrown instanceof DeliveryError)) return { kind: 'internal' }
  const { outcome, trouble } = thrown
  return { kind: kindOfOutcome[outcome], ...(trouble && { trouble }) }
}

const kindOfOutcome: Readonly<Record<Outcome, RefusalKind>> = {
  store_cut: 'unavailable',
  store_stalled: 'unavailable',
  store_too_slow: 'unavailable',
  store_overran: 'upstream_error',
  store_wrong: 'upstream_error',
  object_changed: 'object_changed',
  failed: 'internal',
  completed: 'unavailable',
  refused: 'unavailable',
  client_aborted: 'unavailable',
  client_too_slow: 'unavailable',
  lifetime_over: 'unavailable',
  shut_down: 'unavailable',
  cut: 'unavailable',
}

/** Header fields of every response. They prevent a browser from rendering it, and other sites from embedding it. */
export const commonHeaders: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
}

/** Makes the response to OPTIONS (RFC 9110 §9.3.7). */
export function optionsAnswer(
  headers: Readonly<Record<string, string>>,
  route: Route,
  { draft, end }: Exchange,
): ExportResponse {
  draft.status = 204
  end('completed')
  return { status: 204, headers: { ...headers, 'Cache-Control': 'no-store', Allow: allowedMethods[route] } }
}

/** Everything that the response to a refusal depends on, besides the refusal itself. */
export interface RefusalTerms {
  readonly method: string
  readonly route: Route
  readonly requestId: string
  readonly errors: ErrorFormat
  /** Makes an HTML page that replaces the format's body. Absent: the client is not a browser that followed a link. */
  readonly page?: ((refusal: Refusal) => string) | undefined
  /** Named in the challenge of a 403 for a missing capability. */
  readonly capability: string
  /** Header fields that the response already has: the request id, the version, the limits. */
  readonly headers: Readonly<Record<string, string>>
  readonly random: () => number
}

/**
 * Makes the response to a refusal: the body comes from the error format, the header fields from the handler. Throws if the error
 * format throws or returns an invalid result.
 */
export function refusalAnswer(detail: RefusalDetail, terms: RefusalTerms): ExportResponse {
  const { kind, fields } = detail
  const retryAfterMs =
    detail.retryAfterMs ?? (statusOf[kind] === 503 ? outageRetryMs(terms.random) : undefined)
  const refusal = {
    kind,
    status: statusOf[kind],
    requestId: terms.requestId,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(fields && { fields }),
  }
  const rendered = checkRendered(terms.errors(refusal))
  const { status, contentType, body, ...shown } = terms.page
    ? checkRendered(asPage(rendered, terms.page(refusal)))
    : rendered
  const waitMs = shown.retryAfterMs ?? (statusOf[kind] === 404 ? undefined : retryAfterMs)
  const fieldsOf = {
    ...terms.headers,
    ...(terms.page && pageHeaders),
    ...adviceFields(detail, terms),
  }
  const wait = waitMs === undefined ? {} : { 'Retry-After': String(retryAfterSeconds(waitMs)) }
  return errorAnswer(terms.method, status, { ...fieldsOf, ...wait, 'Content-Type': contentType }, body)
}

/** Replaces the format's body with a page. Status and `retryAfterMs` stay those of the format. */
const asPage = (rendered: ReturnType<ErrorFormat>, page: string): ReturnType<ErrorFormat> => ({
  ...rendered,
  contentType: 'text/html; charset=utf-8',
  body: page,
})

const pageHeaders = {
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}

/** The response if the error format failed. */
export const plainAnswer = ({ method, headers }: RefusalTerms): ExportResponse =>
  errorAnswer(
    method,
    500,
    { ...headers, 'Content-Type': 'text/plain; charset=utf-8' },
    'Internal Server Error',
  )

function errorAnswer(
  method: string,
  status: number,
  fields: Readonly<Record<string, string>>,
  text: string,
): ExportResponse {
  const bytes = Buffer.from(text)
  const headers = { ...fields, 'Cache-Control': 'no-store', 'Content-Length': String(bytes.length) }
  return method === 'HEAD' ? { status, headers } : { status, headers, body: wholeBody(bytes) }
}

/** Throws if an error format, which the host may have written, returned something that is not a valid error response. */
function checkRendered(rendered: ReturnType<ErrorFormat>): ReturnType<ErrorFormat> {
  // An async format is refused below. Its rejection must not stay unhandled.
  if (rendered instanceof Promise) rendered.catch(ignore)
  const { status, contentType, body, retryAfterMs = 0 } = rendered
  const isError = Number.isInteger(status) && status >= 400 && status <= 599
  const isValid = isError && isFieldText(contentType) && isText(body) && isWait(retryAfterMs)
  if (!isValid) {
    const got = [status, contentType, isText(body) ? '…' : body]
    const must = 'an error format must return { status: 400 to 599, contentType, body }'
    throw new TypeError(wantedGot(must, got).message)
  }
  return rendered
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isFieldText = (value: unknown): boolean => isText(value) && /^[\x20-\x7e]+$/.test(value)
const isWait = (ms: number): boolean => Number.isFinite(ms) && ms >= 0
const ignore = (): void => undefined

/** The header fields that tell the client how to react to a refusal. */
function adviceFields(
  { kind, size, challenge }: RefusalDetail,
  { capability, route }: RefusalTerms,
): Record<string, string> {
  if (kind === 'token_missing') return { 'WWW-Authenticate': formatChallenge(realm) }
  if (kind === 'token_invalid') {
    return { 'WWW-Authenticate': formatChallenge(realm, { error: challenge ?? 'invalid_token' }) }
  }
  if (kind === 'capability_missing' || kind === 'scope_missing') {
    return { 'WWW-Authenticate': formatChallenge(realm, { error: 'insufficient_scope', scope: capability }) }
  }
  if (kind === 'method_not_allowed') return { Allow: allowedMethods[route] }
  if (kind === 'range_not_satisfiable' && size !== undefined) {
    return { 'Content-Range': formatUnsatisfiedRange(size), 'Accept-Ranges': 'bytes' }
  }
  return {}
}

const realm = 'exports'

/** 5 to 20 s with jitter, so that clients that an outage cut at the same time do not all retry at the same time. */
const outageRetryMs = (random: () => number): number => 5_000 + Math.floor(random() * 15_000)
