import type { HandlerSettings } from '../options/resolve-options.ts'
import type { Tenant } from '../ports.ts'
import type { JsonObject, RefusalKind } from '../refusals.ts'
import type { FilledDescription } from './description.ts'

const text = { type: 'string' }
const bytes = { type: 'integer', minimum: 0 }

interface Field {
  readonly description: string
  readonly schema: JsonObject
  /** Whether every response that lists the field has it. */
  readonly required?: true
}

/** The response fields whose names never change. */
const fixedFields: Readonly<Record<string, Field>> = {
  Vary: { description: 'The request fields that choose the response.', schema: text, required: true },
  'X-Request-Id': {
    description: "The id of the request: the caller's if it sent a well-formed one.",
    schema: text,
    required: true,
  },
  'X-Content-Type-Options': {
    description: 'Browsers must not guess the media type.',
    schema: { type: 'string', const: 'nosniff' },
    required: true,
  },
  'Content-Security-Policy': { description: 'Browsers must not run it.', schema: text, required: true },
  'Cross-Origin-Resource-Policy': {
    description: 'Other sites must not embed it.',
    schema: { type: 'string', const: 'same-origin' },
    required: true,
  },
  'Referrer-Policy': {
    description: 'The URL is not passed on.',
    schema: { type: 'string', const: 'no-referrer' },
    required: true,
  },
  'X-Frame-Options': {
    description: 'Other sites must not frame it.',
    schema: { type: 'string', const: 'DENY' },
    required: true,
  },
  'Cache-Control': { description: 'Caches must not store it.', schema: text, required: true },
  'Content-Length': { description: 'Bytes of the body.', schema: bytes, required: true },
  'Content-Disposition': { description: 'The name of the file (RFC 6266).', schema: text, required: true },
  'Content-Encoding': { description: 'The coding of an object that is stored compressed.', schema: text },
  'Content-Range': {
    description: 'The range and the size of the whole (RFC 9110 §14.4). Absent from a multipart response.',
    schema: text,
  },
  'Accept-Ranges': {
    description: 'Ranges are served.',
    schema: { type: 'string', const: 'bytes' },
    required: true,
  },
  ETag: {
    description: 'The strong validator of the export. Send it as If-Range to resume a download.',
    schema: text,
    required: true,
  },
  'Last-Modified': { description: 'When the object was written, if the store knows.', schema: text },
  'Repr-Digest': {
    description: 'The SHA-256 of the whole (RFC 9530), if it was asked for and is known.',
    schema: text,
  },
  'X-Accel-Buffering': {
    description: 'nginx must not buffer it.',
    schema: { type: 'string', const: 'no' },
    required: true,
  },
  'RateLimit-Policy': { description: 'The quotas (draft-ietf-httpapi-ratelimit-headers-11).', schema: text },
  RateLimit: {
    description: 'What is left of the quotas (draft-ietf-httpapi-ratelimit-headers-11).',
    schema: text,
  },
  'X-RateLimit-Limit': { description: 'The nearest quota.', schema: bytes },
  'X-RateLimit-Remaining': { description: 'What is left of it.', schema: bytes },
  'X-RateLimit-Reset': { description: 'Seconds until there is more.', schema: bytes },
  'Retry-After': {
    description: 'Seconds to wait (RFC 9110 §10.2.3).',
    schema: { type: 'integer', minimum: 1 },
  },
  'WWW-Authenticate': { description: 'The challenge (RFC 6750 §3).', schema: text },
  Allow: { description: 'The methods of this path.', schema: text, required: true },
  Location: {
    description: 'The URL of the ticket.',
    schema: { ...text, format: 'uri-reference' },
    required: true,
  },
  Deprecation: { description: 'When the version became deprecated (RFC 9745).', schema: text },
  Sunset: { description: 'When the version ends (RFC 8594).', schema: text },
  Link: { description: 'Documents about the version (RFC 8288).', schema: text },
}

/** The fields of every response, of those that a limiter decided, and of those that carry an export. */
const everyResponse = [
  'Vary',
  'X-Request-Id',
  'X-Content-Type-Options',
  'Content-Security-Policy',
  'Cross-Origin-Resource-Policy',
  'Referrer-Policy',
  'X-Frame-Options',
  'Cache-Control',
]
const limitFields = ['RateLimit-Policy', 'RateLimit']
const olderLimitFields = ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset']
const exportFields = [
  'Content-Length',
  'Content-Disposition',
  'Accept-Ranges',
  'ETag',
  'Last-Modified',
  'Repr-Digest',
  'X-Accel-Buffering',
]

/** The names of the header fields of each sort of response. */
export interface HeaderFields {
  readonly export: readonly string[]
  readonly notModified: readonly string[]
  readonly options: readonly string[]
  readonly ticket: readonly string[]
  readonly refusal: (shown: ShownRefusals) => readonly string[]
}

/** The refusals that one response shows. */
export interface ShownRefusals {
  readonly kinds: ReadonlySet<RefusalKind>
  /** The header fields of the versions that answer with this status. */
  readonly versionFields: readonly string[]
  /** Whether the response can have `Retry-After`. */
  readonly mayWait: boolean
  /** Whether the limiter may have been asked. */
  readonly limited: boolean
}

/** The kinds that are refused before the limiter was asked. */
const beforeLimiter: ReadonlySet<RefusalKind> = new Set([
  'invalid_request',
  'token_missing',
  'token_invalid',
  'ticket_invalid',
  'ticket_expired',
  'method_not_allowed',
  'tenant_forbidden',
  'capability_missing',
])
const challenged: readonly RefusalKind[] = [
  'token_missing',
  'token_invalid',
  'capability_missing',
  'scope_missing',
]

/** Lists the header fields that the responses of a handler can have. */
export function headerFields<T extends Tenant>(
  { versions, limits }: HandlerSettings<T>,
  { encodings }: FilledDescription,
): HeaderFields {
  const ofVersions = [...versions.values()].flatMap(({ headers }) => Object.keys(headers))
  const every = [...new Set([...everyResponse, ...ofVersions])]
  const quotas = [...limitFields, ...(limits.legacyFields ? olderLimitFields : [])]
  const refusal: HeaderFields['refusal'] = ({ kinds, versionFields, mayWait, limited }) => {
    const has = (...some: readonly RefusalKind[]): boolean => some.some((kind) => kinds.has(kind))
    const isLimited = limited && [...kinds].some((kind) => !beforeLimiter.has(kind))
    return [
      ...new Set([...everyResponse, ...versionFields]),
      'Content-Length',
      ...(isLimited ? quotas : []),
      ...(mayWait ? ['Retry-After'] : []),
      ...(has(...challenged) ? ['WWW-Authenticate'] : []),
      ...(has('method_not_allowed') ? ['Allow'] : []),
      ...(has('range_not_satisfiable') ? ['Content-Range', 'Accept-Ranges'] : []),
    ]
  }
  return {
    export: [...every, ...quotas, ...exportFields, ...(encodings.length > 0 ? ['Content-Encoding'] : [])],
    notModified: [...every, ...quotas, 'ETag'],
    options: [...every, 'Allow'],
    ticket: [...every, ...quotas, 'Content-Length', 'Location'],
    refusal,
  }
}

/** Makes the component of each header field, by its name. */
export function headerComponents<T extends Tenant>(
  names: ReadonlySet<string>,
  { versionHeader }: HandlerSettings<T>,
): Record<string, JsonObject> {
  const version: Field = {
    description: 'The API version that answered. Absent if the request names an unknown one.',
    schema: text,
  }
  const fields: Readonly<Record<string, Field>> = { ...fixedFields, [versionHeader]: version }
  return Object.fromEntries(
    [...names].map((name) => {
      const { description, schema, required } = fields[name] ?? { description: name, schema: text }
      return [name, { description, ...(required && { required }), schema }]
    }),
  )
}
