import * as check from '../check-options.ts'
import type { ErrorBodies, ErrorFormat, Refusal, RefusalKind } from '../refusals.ts'

type Options = NonNullable<Parameters<typeof codedErrors>[0]>
const optionsCheck = check.object<Options>('{ revealState? }', { revealState: check.flag.optional() })

/** A stable code for programs, and a message for developers. */
interface CodedError {
  readonly code: string
  readonly message: string
  readonly details?: Readonly<Record<string, string | number>> | undefined
}

/**
 * Creates an error format with bodies of `{"code", "details", "message"}` as `application/json`: a stable code, details and a
 * message for developers.
 *
 * @param options - `revealState`: `true` distinguishes pending, failed and expired exports from missing ones in
 *   `details.reason`, for callers that poll. Such callers have already proved tenant and capability. A pending export also
 *   gets a `Retry-After`: the `retryAfterMs` of `refuse('export_pending', { retryAfterMs })`, by default 5 s. `false` shows
 *   all of them as `export_not_found`
 * @defaultValue `{ revealState: false }`
 * @throws TypeError for a `revealState` that is not a boolean, and for an unknown option
 */
export function codedErrors(options: { readonly revealState?: boolean } = {}): ErrorFormat {
  check.checkOptions('codedErrors', options, optionsCheck)
  const { revealState = false } = options
  const format: ErrorFormat = (refusal) => {
    const { code, message, details } = errors[refusal.kind]
    return {
      status: refusal.status,
      contentType: 'application/json',
      body: JSON.stringify({ code, details: moreDetails(refusal, revealState) ?? details, message }),
      retryAfterMs: revealState && refusal.kind === 'export_pending' ? pollAfter(refusal) : undefined,
    }
  }
  return Object.assign(format, { bodies })
}

const bodies: ErrorBodies = {
  schemas: {
    CodedError: {
      title: 'CodedError',
      type: 'object',
      required: ['code', 'message'],
      properties: {
        code: { description: 'Stable, for programs.', type: 'string' },
        message: { description: 'For developers. It may change.', type: 'string' },
        details: {
          description: 'The reason, and with 429 the milliseconds to wait.',
          type: 'object',
          properties: { reason: { type: 'string' }, retry_after_ms: { type: 'integer', minimum: 0 } },
        },
      },
    },
  },
  schemaOf: () => 'CodedError',
}

const pollAfter = ({ retryAfterMs = 5_000 }: Refusal): number => retryAfterMs

/** The details that depend on more than the kind. `undefined`: there are none. */
function moreDetails(refusal: Refusal, revealState: boolean): CodedError['details'] {
  const { kind, retryAfterMs } = refusal
  if (kind === 'invalid_request' && asksUnknownVersion(refusal)) return { reason: 'unsupported_api_version' }
  if (errors[kind] === rateLimited && retryAfterMs !== undefined) return { retry_after_ms: retryAfterMs }
  const state = revealState ? states[kind] : undefined
  return state === undefined ? undefined : { reason: state }
}

const asksUnknownVersion = ({ fields = [] }: Refusal): boolean =>
  fields.some(({ part }) => part === 'version')

/** `object_missing` is not listed: its record is ready, so a state would reveal that the store lost the object. */
const states: Readonly<Partial<Record<RefusalKind, string>>> = {
  export_pending: 'export_not_ready',
  export_failed: 'export_failed',
  export_expired: 'export_expired',
}

const unauthorized: CodedError = { code: 'unauthorized', message: 'Authentication required.' }
const outOfScope: CodedError = {
  code: 'forbidden_capability_scope',
  details: { reason: 'missing_scope' },
  message: 'The resource is outside the permitted scope.',
}
const rateLimited: CodedError = { code: 'rate_limited', message: 'Too many requests.' }
const notFound: CodedError = {
  code: 'export_not_found',
  details: { reason: 'export_not_found' },
  message: 'The audit export file is not available for download.',
}
const unavailable: CodedError = {
  code: 'temporarily_unavailable',
  details: { reason: 'service_temporarily_unavailable' },
  message: 'Service is temporarily unavailable.',
}

const errors: Readonly<Record<RefusalKind, CodedError>> = {
  invalid_request: { code: 'invalid_request', message: 'The request is invalid.' },
  token_missing: unauthorized,
  token_invalid: unauthorized,
  ticket_invalid: { code: 'ticket_invalid', message: 'The ticket is not valid for this export.' },
  ticket_expired: { code: 'ticket_expired', message: 'The ticket has expired.' },
  method_not_allowed: { code: 'method_not_allowed', message: 'The method is not allowed here.' },
  tenant_forbidden: outOfScope,
  capability_missing: {
    code: 'forbidden_capability_scope',
    details: { reason: 'missing_capability' },
    message: 'Insufficient capability for this operation.',
  },
  scope_missing: outOfScope,
  rate_limited: rateLimited,
  too_many_downloads: rateLimited,
  export_not_found: notFound,
  export_pending: notFound,
  export_failed: notFound,
  export_expired: notFound,
  object_missing: notFound,
  precondition_failed: { code: 'precondition_failed', message: 'A precondition of the request is false.' },
  range_not_satisfiable: { code: 'range_not_satisfiable', message: 'The requested range cannot be served.' },
  internal: { code: 'internal_error', message: 'An internal error occurred.' },
  upstream_error: { code: 'upstream_error', message: 'An upstream service returned an unexpected error.' },
  unavailable,
  object_changed: unavailable,
}
