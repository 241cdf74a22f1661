import * as check from '../check-options.ts'
import { reasonPhrase } from '../http/response-fields.ts'
import type { ErrorBodies, ErrorFormat, Refusal, InvalidField, RefusalKind } from '../refusals.ts'

type Options = NonNullable<Parameters<typeof problemDetails>[0]>
const optionsCheck = check.object<Options>('{ typeBase? }', {
  typeBase: check
    .refine<URL>(
      'an http(s) URL without credentials, query and fragment',
      check.instanceOf("a URL, such as new URL('https://example.com/problems/')", URL),
      ({ protocol, username, password, search, hash }) =>
        /^https?:$/.test(protocol) && `${username}${password}${search}${hash}` === '',
      () => 'another URL',
    )
    .optional(),
})

/**
 * Creates an error format with `application/problem+json` bodies (RFC 9457): `type`, `title`, `status` and a `detail` that says what
 * to do. An invalid request also has `errors`, each with `detail` and `pointer`. A 429 has `retry_after_ms`. All kinds of 404 have
 * the same body.
 *
 * @param options - `typeBase`: the URL below which your problem types are documented, such as
 *   `new URL('https://example.com/problems/')`. The types are `invalid-request`, `ticket-invalid`, `ticket-expired`,
 *   `forbidden`, `export-not-found`, `upstream-error` and `unavailable` below it, and the registered type for an exceeded
 *   quota. All other kinds have `about:blank`
 * @defaultValue no `typeBase`: every type is `about:blank`
 * @throws TypeError for a `typeBase` that is not an http(s) URL, or has credentials, query or fragment,
 *   and for an unknown option
 */
export function problemDetails(options: { readonly typeBase?: URL } = {}): ErrorFormat {
  check.checkOptions('problemDetails', options, optionsCheck)
  const { typeBase } = options
  const base = typeBase?.href.replace(/\/?$/, '/')
  const format: ErrorFormat = (refusal) => ({
    status: refusal.status,
    contentType: 'application/problem+json',
    body: JSON.stringify({
      ...problemType(refusal, base),
      status: refusal.status,
      detail: details[refusal.kind],
      ...(refusal.kind === 'invalid_request' && { errors: refusal.fields?.map(showFault) ?? [] }),
      ...(refusal.status === 429 && { retry_after_ms: refusal.retryAfterMs }),
    }),
  })
  return Object.assign(format, { bodies })
}

const bodies: ErrorBodies = {
  schemas: {
    ProblemDetails: {
      title: 'ProblemDetails',
      description: 'A problem as in RFC 9457.',
      type: 'object',
      required: ['type', 'title', 'status', 'detail'],
      properties: {
        type: { description: 'The URI of the problem type.', type: 'string', format: 'uri-reference' },
        title: { description: 'A short text, the same for every problem of this type.', type: 'string' },
        status: { description: 'The status of the response.', type: 'integer', minimum: 400, maximum: 599 },
        detail: { description: 'Says what to do.', type: 'string' },
        errors: {
          description: 'With an invalid request: all its faults.',
          type: 'array',
          items: {
            type: 'object',
            required: ['detail', 'pointer'],
            properties: {
              detail: { description: 'Says what is wrong.', type: 'string' },
              pointer: {
                description: 'The part of the request, such as #/header/X-Org-Name.',
                type: 'string',
              },
            },
          },
        },
        retry_after_ms: { description: 'With 429: milliseconds to wait.', type: 'integer', minimum: 0 },
      },
    },
  },
  schemaOf: () => 'ProblemDetails',
}

function problemType({ kind, status }: Refusal, base: string | undefined): { type: string; title: string } {
  const known = base === undefined ? undefined : problemTypes[kind]
  if (base === undefined || !known) return { type: 'about:blank', title: reasonPhrase(status) }
  return { type: new URL(known.reference, base).href, title: known.title }
}

/** The pointer names a part of the request, such as `#/header/X-Org-Name`, because the request has no body (RFC 6901 §6). */
const showFault = (field: InvalidField): { detail: string; pointer: string } => ({
  detail: `${field.name} ${ruleOf(field)}.`,
  pointer: `#/${[field.in, field.name].map(pointerStep).join('/')}`,
})

function ruleOf(field: InvalidField): string {
  switch (field.rule) {
    case 'required':
      return 'is required'
    case 'not_empty':
      return 'must not be empty'
    case 'max_length':
      return `must have at most ${field.most} characters`
    case 'pattern':
      return `must match the pattern ${field.pattern}`
    case 'one_of':
      return `must be one of ${field.allowed.join(', ')}`
    case 'uuid':
      return 'must be a UUID'
    case 'once':
      return 'must be sent once only'
    case 'not_with':
      return `must not be sent together with ${field.other}`
  }
}

const pointerStep = (name: string): string =>
  encodeURIComponent(name.toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1'))

interface ProblemType {
  readonly reference: string
  readonly title: string
}

const forbidden: ProblemType = { reference: 'forbidden', title: 'Not permitted' }
const notFound: ProblemType = { reference: 'export-not-found', title: 'Export not found' }
const unavailable: ProblemType = { reference: 'unavailable', title: 'Temporarily unavailable' }
/** draft-ietf-httpapi-ratelimit-headers-11 §5. */
const quotaExceeded: ProblemType = {
  reference: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
  title: 'Quota exceeded',
}

const problemTypes: Readonly<Partial<Record<RefusalKind, ProblemType>>> = {
  invalid_request: { reference: 'invalid-request', title: 'Invalid request' },
  ticket_invalid: { reference: 'ticket-invalid', title: 'Ticket not valid' },
  ticket_expired: { reference: 'ticket-expired', title: 'Ticket expired' },
  tenant_forbidden: forbidden,
  capability_missing: forbidden,
  scope_missing: forbidden,
  rate_limited: quotaExceeded,
  too_many_downloads: quotaExceeded,
  export_not_found: notFound,
  export_pending: notFound,
  export_failed: notFound,
  export_expired: notFound,
  object_missing: notFound,
  upstream_error: { reference: 'upstream-error', title: 'Bad gateway' },
  unavailable,
  object_changed: unavailable,
}

const notCovered = 'The token does not cover this organization or scope.'
const nothingThere = 'There is no such export to download.'
const tryAgain = 'Try again after the time in Retry-After.'

const details: Readonly<Record<RefusalKind, string>> = {
  invalid_request: 'Fix the fields listed in errors.',
  token_missing: 'Send a bearer token in the Authorization header.',
  token_invalid: 'The token cannot be accepted; obtain a new one.',
  ticket_invalid: 'The ticket is not valid for this export; obtain a new one.',
  ticket_expired: 'The ticket has expired; obtain a new one.',
  method_not_allowed: 'Use one of the methods in Allow.',
  tenant_forbidden: notCovered,
  capability_missing: 'The token lacks the capability for this operation.',
  scope_missing: notCovered,
  rate_limited: tryAgain,
  too_many_downloads:
    'Too many downloads are running. Wait until one ends, or try again after the time in Retry-After.',
  export_not_found: nothingThere,
  export_pending: nothingThere,
  export_failed: nothingThere,
  export_expired: nothingThere,
  object_missing: nothingThere,
  precondition_failed:
    'The export does not match the condition of the request (If-Match or If-Unmodified-Since).',
  range_not_satisfiable: 'Request fewer, non-overlapping ranges within the export.',
  internal: 'If the problem persists, contact support and quote the X-Request-Id of this response.',
  upstream_error: 'If the problem persists, contact support and quote the X-Request-Id of this response.',
  unavailable: tryAgain,
  object_changed: tryAgain,
}
