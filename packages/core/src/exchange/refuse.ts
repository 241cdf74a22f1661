import { DeliveryError } from '../delivery/delivery-error.ts'
import { wholeBody } from '../delivery/start-delivery.ts'
import type { Outcome } from '../events.ts'
import { formatChallenge } from '../http/bearer.ts'
import { formatUnsatisfiedRange } from '../http/byte-range.ts'
import { retryAfterSeconds } from '../http/response-fields.ts'
import type { ErrorFormat, Refusal, RefusalDetail, RefusalKind } from '../refusals.ts'
import { gotWanted, refusalCause, refusalDetail, statusOf } from '../refusals.ts'
import type { ExportResponse } from '../request-response.ts'
import type { Route } from '../steps/check-method.ts'
import { allowedMethods } from '../steps/check-method.ts'
import type { Exchange } from './exchange.ts'

/** The one road out for everything that was thrown: the answer, the events, and nothing left open. */
export function refuseExchange(
  thrown: unknown,
  terms: RefusalTerms,
  { entry, end, stop, trouble }: Exchange,
): ExportResponse {
  const detail = whyRefused(thrown)
  const cause = refusalCause(thrown)
  const { answer, kind, bug } = answerTo(detail, terms)
  if (entry.status === 0) Object.assign(entry, { status: answer.status, kind, bytesPromised: 0, ranges: [] })
  if (detail.trouble) trouble(detail.trouble, cause)
  end(kind === 'internal' ? 'failed' : 'refused', bug ?? cause)
  stop(thrown)
  return answer
}

/** The answer, and the kind that it is of: an error format that fails is a bug like any other. */
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

/** Before the head every end is a refusal. An error that is neither a refusal nor the delivery's is a bug of ours. */
function whyRefused(thrown: unknown): RefusalDetail {
  const detail = refusalDetail(thrown)
  if (detail) return detail
  if (!(thrown instanceof DeliveryError)) return { kind: 'internal' }
  const { outcome, trouble } = thrown
  return { kind: kindOf[outcome], ...(trouble && { trouble }) }
}

const kindOf: Readonly<Record<Outcome, RefusalKind>> = {
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

/** On every answer, whatever its status: what came is a file to save, for one organization, and nothing to render. */
export const commonHeaders: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
}

/** The answer to OPTIONS (RFC 9110 §9.3.7). */
export function optionsAnswer(
  headers: Readonly<Record<string, string>>,
  route: Route,
  { entry, end }: Exchange,
): ExportResponse {
  entry.status = 204
  end('completed')
  return { status: 204, headers: { ...headers, 'Cache-Control': 'no-store', Allow: allowedMethods[route] } }
}

/** What a refusal is made visible with. */
export interface RefusalTerms {
  readonly method: string
  readonly route: Route
  readonly requestId: string
  readonly errors: ErrorFormat
  /** Makes the page that takes the place of the format's body. Absent: the client is no browser that followed a link. */
  readonly page?: ((refusal: Refusal) => string) | undefined
  /** For the challenge of a missing capability. */
  readonly capability: string
  /** Fields that the answer already has: the request id, the version, the limits. */
  readonly headers: Readonly<Record<string, string>>
  readonly random: () => number
}

/**
 * A refusal → its answer: the format's body under the core's header fields. Throws what the format throws, and where it
 * gives no answer.
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
    ...explanation(detail, terms),
  }
  const wait = waitMs === undefined ? {} : { 'Retry-After': String(retryAfterSeconds(waitMs)) }
  return errorAnswer(terms.method, status, { ...fieldsOf, ...wait, 'Content-Type': contentType }, body)
}

/** The status and the wait are the format's. */
const asPage = (rendered: ReturnType<ErrorFormat>, page: string): ReturnType<ErrorFormat> => ({
  ...rendered,
  contentType: 'text/html; charset=utf-8',
  body: page,
})

const pageHeaders = {
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}

/** The answer where not even a refusal could be made. */
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

/** A format is the host's: what it gives must be an answer that says no, and safe to send. */
function checkRendered(rendered: ReturnType<ErrorFormat>): ReturnType<ErrorFormat> {
  // One that answers later is refused below, and must not fail unheard then.
  if (rendered instanceof Promise) rendered.catch(ignore)
  const { status, contentType, body, retryAfterMs = 0 } = rendered
  const isError = Number.isInteger(status) && status >= 400 && status <= 599
  const sound = isError && isFieldText(contentType) && isText(body) && isWait(retryAfterMs)
  if (!sound) {
    const got = [status, contentType, isText(body) ? '…' : body]
    const must = 'an error format must return { status: 400 to 599, contentType, body }'
    throw new TypeError(gotWanted(must, got).message)
  }
  return rendered
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isFieldText = (value: unknown): boolean => isText(value) && /^[\x20-\x7e]+$/.test(value)
const isWait = (ms: number): boolean => Number.isFinite(ms) && ms >= 0
const ignore = (): void => undefined

/** The header fields that say what to do about a refusal. */
function explanation(
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

/** 5 to 20 s, never alike: what an outage cut in one instant must not come back in one. */
const outageRetryMs = (random: () => number): number => 5_000 + Math.floor(random() * 15_000)
