import { describe, expect, test } from 'vitest'

import { problemDetails } from '../../src/error-formats/problem-details.ts'
import type { FieldRule, RefusalKind } from '../../src/refusals.ts'
import { badId, kinds, missingOrg, notFoundKinds, refusalOf } from './refusals.ts'

const plain = problemDetails()
const typed = problemDetails({ typeBase: new URL('https://example.com/problems/') })

describe('without a type base', () => {
  test.each([...kinds])('%s is about:blank with the phrase of %d', (kind, status) => {
    const answer = plain(refusalOf(kind))
    expect(answer).toMatchObject({ status, contentType: 'application/problem+json' })
    expect(JSON.parse(answer.body)).toMatchObject({ type: 'about:blank', title: titles[status], status })
  })

  const titles: Readonly<Record<number, string>> = {
    400: 'Bad Request',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'Not Found',
    405: 'Method Not Allowed',
    410: 'Gone',
    412: 'Precondition Failed',
    416: 'Range Not Satisfiable',
    429: 'Too Many Requests',
    500: 'Internal Server Error',
    502: 'Bad Gateway',
    503: 'Service Unavailable',
  }
})

describe('with a type base', () => {
  const base = 'https://example.com/problems'
  const quota = 'https://iana.org/assignments/http-problem-types#quota-exceeded'

  test.each<[RefusalKind, string, string]>([
    ['invalid_request', `${base}/invalid-request`, 'Invalid request'],
    ['token_missing', 'about:blank', 'Unauthorized'],
    ['token_invalid', 'about:blank', 'Unauthorized'],
    ['ticket_invalid', `${base}/ticket-invalid`, 'Ticket not valid'],
    ['ticket_expired', `${base}/ticket-expired`, 'Ticket expired'],
    ['method_not_allowed', 'about:blank', 'Method Not Allowed'],
    ['tenant_forbidden', `${base}/forbidden`, 'Not permitted'],
    ['capability_missing', `${base}/forbidden`, 'Not permitted'],
    ['scope_missing', `${base}/forbidden`, 'Not permitted'],
    ['rate_limited', quota, 'Quota exceeded'],
    ['too_many_downloads', quota, 'Quota exceeded'],
    ['export_not_found', `${base}/export-not-found`, 'Export not found'],
    ['export_pending', `${base}/export-not-found`, 'Export not found'],
    ['export_failed', `${base}/export-not-found`, 'Export not found'],
    ['export_expired', `${base}/export-not-found`, 'Export not found'],
    ['object_missing', `${base}/export-not-found`, 'Export not found'],
    ['precondition_failed', 'about:blank', 'Precondition Failed'],
    ['range_not_satisfiable', 'about:blank', 'Range Not Satisfiable'],
    ['internal', 'about:blank', 'Internal Server Error'],
    ['upstream_error', `${base}/upstream-error`, 'Bad gateway'],
    ['unavailable', `${base}/unavailable`, 'Temporarily unavailable'],
    ['object_changed', `${base}/unavailable`, 'Temporarily unavailable'],
  ])('%s is %s', (kind, type, title) => {
    const answer = typed(refusalOf(kind))
    expect(answer.contentType).toBe('application/problem+json')
    expect(JSON.parse(answer.body)).toMatchObject({ type, title, status: answer.status })
  })

  test('a base without a slash at its end is a folder all the same', () => {
    const folder = problemDetails({ typeBase: new URL('https://example.com/problems') })
    expect(JSON.parse(folder(refusalOf('unavailable')).body)).toMatchObject({ type: `${base}/unavailable` })
  })

  test('a base that the host changes later changes nothing', () => {
    const typeBase = new URL('https://example.com/problems/')
    const errors = problemDetails({ typeBase })
    typeBase.pathname = '/elsewhere/'
    expect(JSON.parse(errors(refusalOf('unavailable')).body)).toMatchObject({ type: `${base}/unavailable` })
  })
})

describe('members', () => {
  test('the whole of an invalid request', () => {
    expect(JSON.parse(plain(refusalOf('invalid_request', { fields: [badId, missingOrg] })).body)).toEqual({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: 'Fix the fields listed in errors.',
      errors: [
        {
          detail: 'job_id must be a UUID.',
          pointer: '#/path/job_id',
        },
        { detail: 'X-Org-Name is required.', pointer: '#/header/X-Org-Name' },
      ],
    })
  })

  test.each<[FieldRule, string]>([
    [{ rule: 'not_empty' }, 'X-Org-Name must not be empty.'],
    [{ rule: 'once' }, 'X-Org-Name must be sent once only.'],
    [
      { rule: 'not_with', other: 'Authorization' },
      'X-Org-Name must not be sent together with Authorization.',
    ],
    [{ rule: 'max_length', most: 64 }, 'X-Org-Name must have at most 64 characters.'],
    [{ rule: 'pattern', pattern: '^a+$' }, 'X-Org-Name must match the pattern ^a+$.'],
    [{ rule: 'one_of', allowed: ['v1', 'v2'] }, 'X-Org-Name must be one of v1, v2.'],
  ])('%j', (rule, detail) => {
    const field = { ...missingOrg, ...rule }
    expect(JSON.parse(plain(refusalOf('invalid_request', { fields: [field] })).body)).toMatchObject({
      errors: [{ detail }],
    })
  })

  test('a pointer escapes what it must (RFC 6901 §6)', () => {
    const odd = { ...badId, name: 'a/b~c d' }
    expect(JSON.parse(plain(refusalOf('invalid_request', { fields: [odd] })).body)).toMatchObject({
      errors: [{ pointer: '#/path/a~1b~0c%20d' }],
    })
  })

  test('an invalid request without named faults has an empty list', () => {
    expect(JSON.parse(plain(refusalOf('invalid_request')).body)).toMatchObject({ errors: [] })
  })

  test.each(['rate_limited', 'too_many_downloads'] as const)('%s has its wait in milliseconds', (kind) => {
    expect(JSON.parse(plain(refusalOf(kind, { retryAfterMs: 5_001 })).body)).toMatchObject({
      retry_after_ms: 5_001,
    })
    expect(plain(refusalOf(kind)).body).not.toContain('retry_after_ms')
  })

  test('no other kind has more than type, title, status and detail', () => {
    for (const [kind, status] of kinds) {
      const members = Object.keys(JSON.parse(typed(refusalOf(kind, { retryAfterMs: 1 })).body) as object)
      const more = status === 429 ? ['retry_after_ms'] : status === 400 ? ['errors'] : []
      expect(members).toEqual(['type', 'title', 'status', 'detail', ...more])
    }
  })

  test('the kinds of 404 read alike, typed or not', () => {
    for (const errors of [plain, typed]) {
      expect(new Set(notFoundKinds.map((kind) => JSON.stringify(errors(refusalOf(kind))))).size).toBe(1)
    }
  })

  test('the request id stays in its header', () => {
    for (const kind of kinds.keys()) expect(typed(refusalOf(kind)).body).not.toContain('request-1')
  })
})

test.each<unknown>([
  'https://example.com/problems/',
  null,
  true,
  {},
  new URL('urn:problems'),
  new URL('file:///problems/'),
  new URL('https://user@example.com/'),
  new URL('https://:secret@example.com/'),
  new URL('https://example.com/?a'),
  new URL('https://example.com/#a'),
])('typeBase %s is refused at creation', (typeBase) => {
  expect(() => problemDetails({ typeBase: typeBase as URL })).toThrow(
    /^problemDetails: typeBase: must be (?:a URL, such as new URL\('https:|an http\(s\) URL without)/,
  )
})
