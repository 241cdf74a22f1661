import type { ExportRecord } from '../../src/catalogue.ts'
import type { RateLimiter } from '../../src/ports.ts'
import type { RefusalKind } from '../../src/refusals.ts'
import { refuse } from '../../src/refusals.ts'
import type { Ask } from './ask.ts'
import { storeWith } from './leaks.ts'
import { content, ids, pathOf, readyRecord, type SceneOptions } from './scene.ts'

/** How a kind comes about, and how each look shows it. */
export interface Row {
  readonly kind: RefusalKind
  readonly status: number
  readonly request: Partial<Ask>
  readonly changes?: SceneOptions
  /** Header fields that this kind has and others have not. `soon` is a random time from 5 to 20 s. */
  readonly fields?: Readonly<Record<string, string>>
  /** `detail` of contract A. */
  readonly detail: unknown
  /** The body of contract B. */
  readonly coded: object
  /** Of a problem, what is beside `type` and `status`. */
  readonly problem: object
}

const refusing = (by: string): SceneOptions => {
  const limiter: RateLimiter = {
    admit: async () => ({ admitted: false, left: [], by, retryAfterMs: 5_001 }),
  }
  return { limits: { limiter } }
}
const broken: SceneOptions = {
  findExport: async () => ({
    ...readyRecord,
    get key(): string {
      throw new Error('bug')
    },
  }),
}
const finding = (findExport: () => Promise<ExportRecord>): SceneOptions => ({ findExport })

const challenge = 'Bearer realm="exports"'
const insufficient = `${challenge}, error="insufficient_scope", scope="exports:download"`
const unauthorized = { code: 'unauthorized', message: 'Authentication required.' }
const limited = { code: 'rate_limited', details: { retry_after_ms: 5001 }, message: 'Too many requests.' }
const outOfScope = {
  code: 'forbidden_capability_scope',
  details: { reason: 'missing_scope' },
  message: 'The resource is outside the permitted scope.',
}
const unavailable = {
  status: 503,
  fields: { 'Retry-After': 'soon' },
  detail: 'Service Unavailable',
  coded: {
    code: 'temporarily_unavailable',
    details: { reason: 'service_temporarily_unavailable' },
    message: 'Service is temporarily unavailable.',
  },
  problem: { title: 'Service Unavailable', detail: 'Try again after the time in Retry-After.' },
}
const notFound = {
  status: 404,
  detail: 'Not Found',
  coded: {
    code: 'export_not_found',
    details: { reason: 'export_not_found' },
    message: 'The audit export file is not available for download.',
  },
  problem: { title: 'Not Found', detail: 'There is no such export to download.' },
}
const notCovered = 'The token does not cover this organization or scope.'

export const rows: readonly Row[] = [
  {
    kind: 'invalid_request',
    status: 400,
    request: { path: pathOf('nope') },
    detail: [
      {
        type: 'uuid_parsing',
        loc: ['path', 'exportId'],
        msg: 'Input should be a valid UUID, invalid character: found `n` at 1',
      },
    ],
    coded: { code: 'invalid_request', message: 'The request is invalid.' },
    problem: {
      title: 'Bad Request',
      detail: 'Fix the fields listed in errors.',
      errors: [
        {
          detail: 'exportId must be a UUID.',
          pointer: '#/path/exportId',
        },
      ],
    },
  },
  {
    kind: 'token_missing',
    status: 401,
    request: { headers: { authorization: undefined } },
    fields: { 'WWW-Authenticate': challenge },
    detail: 'Not authenticated',
    coded: unauthorized,
    problem: { title: 'Unauthorized', detail: 'Send a bearer token in the Authorization header.' },
  },
  {
    kind: 'token_invalid',
    status: 401,
    request: { headers: { authorization: 'Bearer eve' } },
    fields: { 'WWW-Authenticate': `${challenge}, error="invalid_token"` },
    detail: 'Could not validate credentials',
    coded: unauthorized,
    problem: { title: 'Unauthorized', detail: 'The token cannot be accepted; obtain a new one.' },
  },
  {
    kind: 'ticket_invalid',
    status: 403,
    request: {},
    changes: { findExport: async () => refuse('ticket_invalid') },
    detail: 'Forbidden',
    coded: { code: 'ticket_invalid', message: 'The ticket is not valid for this export.' },
    problem: { title: 'Forbidden', detail: 'The ticket is not valid for this export; obtain a new one.' },
  },
  {
    kind: 'ticket_expired',
    status: 410,
    request: {},
    changes: { findExport: async () => refuse('ticket_expired') },
    detail: 'Gone',
    coded: { code: 'ticket_expired', message: 'The ticket has expired.' },
    problem: { title: 'Gone', detail: 'The ticket has expired; obtain a new one.' },
  },
  {
    kind: 'method_not_allowed',
    status: 405,
    request: { method: 'DELETE' },
    fields: { Allow: 'GET, HEAD, OPTIONS' },
    detail: 'Method Not Allowed',
    coded: { code: 'method_not_allowed', message: 'The method is not allowed here.' },
    problem: { title: 'Method Not Allowed', detail: 'Use one of the methods in Allow.' },
  },
  {
    kind: 'tenant_forbidden',
    status: 403,
    request: { headers: { 'x-org-name': 'globex' } },
    detail: 'Forbidden',
    coded: outOfScope,
    problem: { title: 'Forbidden', detail: notCovered },
  },
  {
    kind: 'capability_missing',
    status: 403,
    request: { headers: { authorization: 'Bearer idle' } },
    fields: { 'WWW-Authenticate': insufficient },
    detail: 'Forbidden',
    coded: {
      code: 'forbidden_capability_scope',
      details: { reason: 'missing_capability' },
      message: 'Insufficient capability for this operation.',
    },
    problem: { title: 'Forbidden', detail: 'The token lacks the capability for this operation.' },
  },
  {
    kind: 'scope_missing',
    status: 403,
    request: {},
    changes: finding(async () => refuse('scope_missing')),
    fields: { 'WWW-Authenticate': insufficient },
    detail: 'Forbidden',
    coded: outOfScope,
    problem: { title: 'Forbidden', detail: notCovered },
  },
  {
    kind: 'rate_limited',
    status: 429,
    request: {},
    changes: refusing('principal'),
    fields: { 'Retry-After': '6' },
    detail: 'Too Many Requests',
    coded: limited,
    problem: {
      title: 'Too Many Requests',
      detail: 'Try again after the time in Retry-After.',
      retry_after_ms: 5001,
    },
  },
  {
    kind: 'too_many_downloads',
    status: 429,
    request: {},
    changes: refusing('principal-downloads'),
    fields: { 'Retry-After': '6' },
    detail: 'Too Many Requests',
    coded: limited,
    problem: {
      title: 'Too Many Requests',
      detail:
        'Too many downloads are running. Wait until one ends, or try again after the time in Retry-After.',
      retry_after_ms: 5001,
    },
  },
  { kind: 'export_not_found', request: { path: pathOf(ids.missing) }, ...notFound },
  { kind: 'export_pending', request: { path: pathOf(ids.pending) }, ...notFound },
  { kind: 'export_failed', request: { path: pathOf(ids.failed) }, ...notFound },
  { kind: 'export_expired', request: { path: pathOf(ids.expired) }, ...notFound },
  { kind: 'object_missing', request: { path: pathOf(ids.gone) }, ...notFound },
  {
    kind: 'precondition_failed',
    status: 412,
    request: { headers: { 'if-match': '"another"' } },
    detail: 'Precondition Failed',
    coded: { code: 'precondition_failed', message: 'A precondition of the request is false.' },
    problem: {
      title: 'Precondition Failed',
      detail: 'The export does not match the condition of the request (If-Match or If-Unmodified-Since).',
    },
  },
  {
    kind: 'range_not_satisfiable',
    status: 416,
    request: { headers: { range: `bytes=${content.length}-` } },
    fields: { 'Content-Range': `bytes */${content.length}`, 'Accept-Ranges': 'bytes' },
    detail: 'Range Not Satisfiable',
    coded: { code: 'range_not_satisfiable', message: 'The requested range cannot be served.' },
    problem: {
      title: 'Range Not Satisfiable',
      detail: 'Request fewer, non-overlapping ranges within the export.',
    },
  },
  {
    kind: 'internal',
    status: 500,
    request: {},
    changes: broken,
    detail: 'Internal Server Error',
    coded: { code: 'internal_error', message: 'An internal error occurred.' },
    problem: {
      title: 'Internal Server Error',
      detail: 'If the problem persists, contact support and quote the X-Request-Id of this response.',
    },
  },
  {
    kind: 'upstream_error',
    status: 502,
    request: {},
    changes: finding(async () => ({ ...readyRecord, object: { size: 1 } })),
    detail: 'Bad Gateway',
    coded: { code: 'upstream_error', message: 'An upstream service returned an unexpected error.' },
    problem: {
      title: 'Bad Gateway',
      detail: 'If the problem persists, contact support and quote the X-Request-Id of this response.',
    },
  },
  {
    kind: 'unavailable',
    request: {},
    changes: finding(() => Promise.reject(new Error('down'))),
    ...unavailable,
  },
  {
    kind: 'object_changed',
    request: { headers: { range: 'bytes=0-1' } },
    changes: { store: storeWith({ get: async () => refuse('object_changed') }) },
    ...unavailable,
  },
]
