import { describe, expect, test } from 'vitest'

import { validationErrors } from '../../src/error-formats/validation-errors.ts'
import type { FieldRule, RefusalKind } from '../../src/refusals.ts'
import { badId, kinds, missingOrg, notFoundKinds, refusalOf, unknownVersion } from './refusals.ts'

const brief = validationErrors()
const full = validationErrors({ detail: 'full' })

describe('invalid parameters', () => {
  test('are 422 and list type, loc and msg, in this order', () => {
    expect(brief(refusalOf('invalid_request', { fields: [badId] }))).toEqual({
      status: 422,
      contentType: 'application/json',
      body: '{"detail":[{"type":"uuid_parsing","loc":["path","job_id"],"msg":"Input should be a valid UUID, invalid character: found `n` at 1"}]}',
    })
  })

  test('show input and ctx in full detail', () => {
    expect(full(refusalOf('invalid_request', { fields: [badId] })).body).toBe(
      '{"detail":[{"type":"uuid_parsing","loc":["path","job_id"],"msg":"Input should be a valid UUID, invalid character: found `n` at 1","input":"nope","ctx":{"error":"invalid character: found `n` at 1"}}]}',
    )
  })

  test('a missing header has a null input and no ctx', () => {
    expect(full(refusalOf('invalid_request', { fields: [missingOrg] })).body).toBe(
      '{"detail":[{"type":"missing","loc":["header","X-Org-Name"],"msg":"Field required","input":null}]}',
    )
  })

  test('an unknown version', () => {
    expect(JSON.parse(full(refusalOf('invalid_request', { fields: [unknownVersion] })).body)).toEqual({
      detail: [
        {
          type: 'enum',
          loc: ['header', 'X-API-Version'],
          msg: "Input should be 'v1' or 'v2'",
          input: 'v9',
          ctx: { expected: "'v1' or 'v2'" },
        },
      ],
    })
  })

  test.each<[FieldRule, readonly [type: string, msg: string, ctx: object | undefined]]>([
    [
      { rule: 'not_empty' },
      ['string_too_short', 'String should have at least 1 character', { min_length: 1 }],
    ],
    [
      { rule: 'max_length', most: 64 },
      ['string_too_long', 'String should have at most 64 characters', { max_length: 64 }],
    ],
    [
      { rule: 'pattern', pattern: '^a+$' },
      ['string_pattern_mismatch', "String should match pattern '^a+$'", { pattern: '^a+$' }],
    ],
    [{ rule: 'once' }, ['value_error', 'Value error, must be sent once only', undefined]],
    [
      { rule: 'not_with', other: 'Authorization' },
      ['value_error', 'Value error, must not be sent together with Authorization', undefined],
    ],
    [{ rule: 'one_of', allowed: ['v1'] }, ['enum', "Input should be 'v1'", { expected: "'v1'" }]],
    [
      { rule: 'one_of', allowed: ['v1', 'v2', 'v3'] },
      ['enum', "Input should be 'v1', 'v2' or 'v3'", { expected: "'v1', 'v2' or 'v3'" }],
    ],
    [{ rule: 'one_of', allowed: [] }, ['enum', 'Input should be ', { expected: '' }]],
  ])('%j', (rule, [type, msg, ctx]) => {
    const field = { part: 'tenant', in: 'header', name: 'X-Org-Name', input: 'b', ...rule } as const
    expect(JSON.parse(full(refusalOf('invalid_request', { fields: [field] })).body)).toEqual({
      detail: [{ type, loc: ['header', 'X-Org-Name'], msg, input: 'b', ctx }],
    })
  })

  test('keep their order', () => {
    expect(JSON.parse(brief(refusalOf('invalid_request', { fields: [badId, missingOrg] })).body)).toEqual({
      detail: [
        {
          type: 'uuid_parsing',
          loc: ['path', 'job_id'],
          msg: 'Input should be a valid UUID, invalid character: found `n` at 1',
        },
        { type: 'missing', loc: ['header', 'X-Org-Name'], msg: 'Field required' },
      ],
    })
  })

  test('cut a long input at 128 characters, never to half a character', () => {
    const long = { ...badId, input: `${'a'.repeat(127)}\u{1f600}${'b'.repeat(500)}` }
    expect(full(refusalOf('invalid_request', { fields: [long] })).body).toContain(
      `"input":"${'a'.repeat(127)}\ufffd"`,
    )
  })

  test('are an empty list where a port names none', () => {
    expect(brief(refusalOf('invalid_request'))).toMatchObject({ status: 422, body: '{"detail":[]}' })
  })
})

describe('every other kind', () => {
  const phrases: readonly (readonly [RefusalKind, number, string])[] = [
    ['token_missing', 401, 'Not authenticated'],
    ['token_invalid', 401, 'Could not validate credentials'],
    ['ticket_invalid', 403, 'Forbidden'],
    ['ticket_expired', 410, 'Gone'],
    ['method_not_allowed', 405, 'Method Not Allowed'],
    ['tenant_forbidden', 403, 'Forbidden'],
    ['capability_missing', 403, 'Forbidden'],
    ['scope_missing', 403, 'Forbidden'],
    ['rate_limited', 429, 'Too Many Requests'],
    ['too_many_downloads', 429, 'Too Many Requests'],
    ['export_not_found', 404, 'Not Found'],
    ['export_pending', 404, 'Not Found'],
    ['export_failed', 404, 'Not Found'],
    ['export_expired', 404, 'Not Found'],
    ['object_missing', 404, 'Not Found'],
    ['precondition_failed', 412, 'Precondition Failed'],
    ['range_not_satisfiable', 416, 'Range Not Satisfiable'],
    ['internal', 500, 'Internal Server Error'],
    ['upstream_error', 502, 'Bad Gateway'],
    ['unavailable', 503, 'Service Unavailable'],
    ['object_changed', 503, 'Service Unavailable'],
  ]

  test.each(phrases)('%s: %d %s', (kind, status, detail) => {
    const answer = { status, contentType: 'application/json', body: JSON.stringify({ detail }) }
    expect(brief(refusalOf(kind, { retryAfterMs: 5_000 }))).toEqual(answer)
    expect(full(refusalOf(kind))).toEqual(answer)
  })

  test('none is forgotten', () => {
    expect(new Set(['invalid_request', ...phrases.map(([kind]) => kind)])).toEqual(new Set(kinds.keys()))
  })

  test('the kinds of 404 read alike', () => {
    expect(new Set(notFoundKinds.map((kind) => JSON.stringify(brief(refusalOf(kind))))).size).toBe(1)
  })
})

test.each<unknown>(['Full', '', true, 1, null])('detail %j is refused at creation', (detail) => {
  expect(() => validationErrors({ detail: detail as 'full' })).toThrow(
    "validationErrors: detail: must be 'brief' or 'full'; got ",
  )
})
