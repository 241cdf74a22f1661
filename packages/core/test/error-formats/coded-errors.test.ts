import { describe, expect, test } from 'vitest'

import { codedErrors } from '../../src/error-formats/coded-errors.ts'
import type { RefusalKind } from '../../src/refusals.ts'
import { badId, kinds, missingOrg, notFoundKinds, refusalOf, unknownVersion } from './refusals.ts'

const errors = codedErrors()
const bodyOf = (...refusal: Parameters<typeof refusalOf>): unknown =>
  JSON.parse(errors(refusalOf(...refusal)).body)

describe('the published bodies', () => {
  const missing = {
    code: 'export_not_found',
    details: { reason: 'export_not_found' },
    message: 'The audit export file is not available for download.',
  }
  const unavailable = {
    code: 'temporarily_unavailable',
    details: { reason: 'service_temporarily_unavailable' },
    message: 'Service is temporarily unavailable.',
  }
  const unauthorized = { code: 'unauthorized', message: 'Authentication required.' }
  const limited = { code: 'rate_limited', details: { retry_after_ms: 5000 }, message: 'Too many requests.' }

  test.each<[RefusalKind, number, object]>([
    ['invalid_request', 400, { code: 'invalid_request', message: 'The request is invalid.' }],
    ['token_missing', 401, unauthorized],
    ['token_invalid', 401, unauthorized],
    [
      'capability_missing',
      403,
      {
        code: 'forbidden_capability_scope',
        details: { reason: 'missing_capability' },
        message: 'Insufficient capability for this operation.',
      },
    ],
    ['export_not_found', 404, missing],
    ['export_pending', 404, missing],
    ['export_failed', 404, missing],
    ['export_expired', 404, missing],
    ['object_missing', 404, missing],
    ['rate_limited', 429, limited],
    ['too_many_downloads', 429, limited],
    [
      'upstream_error',
      502,
      { code: 'upstream_error', message: 'An upstream service returned an unexpected error.' },
    ],
    ['unavailable', 503, unavailable],
    ['object_changed', 503, unavailable],
  ])('%s: %d', (kind, status, body) => {
    const answer = errors(refusalOf(kind, { retryAfterMs: 5_000 }))
    expect(answer).toMatchObject({ status, contentType: 'application/json' })
    expect(JSON.parse(answer.body)).toEqual(body)
  })
})

describe('what goes beyond them', () => {
  const outOfScope = {
    code: 'forbidden_capability_scope',
    details: { reason: 'missing_scope' },
    message: 'The resource is outside the permitted scope.',
  }

  test.each<[RefusalKind, number, object]>([
    ['tenant_forbidden', 403, outOfScope],
    ['scope_missing', 403, outOfScope],
    ['ticket_invalid', 403, { code: 'ticket_invalid', message: 'The ticket is not valid for this export.' }],
    ['ticket_expired', 410, { code: 'ticket_expired', message: 'The ticket has expired.' }],
    ['method_not_allowed', 405, { code: 'method_not_allowed', message: 'The method is not allowed here.' }],
    [
      'precondition_failed',
      412,
      { code: 'precondition_failed', message: 'A precondition of the request is false.' },
    ],
    [
      'range_not_satisfiable',
      416,
      { code: 'range_not_satisfiable', message: 'The requested range cannot be served.' },
    ],
    ['internal', 500, { code: 'internal_error', message: 'An internal error occurred.' }],
  ])('%s: %d', (kind, status, body) => {
    expect(errors(refusalOf(kind))).toMatchObject({ status, contentType: 'application/json' })
    expect(bodyOf(kind)).toEqual(body)
  })

  test('every kind has a code and a message', () => {
    for (const kind of kinds.keys()) {
      expect(errors(refusalOf(kind)).body).toMatch(/^\{"code":"[a-z_]+",.*"message":"[^"]+\."\}$/)
    }
  })

  test('an unknown version is named as the reason, alone or among other faults', () => {
    const body = {
      code: 'invalid_request',
      details: { reason: 'unsupported_api_version' },
      message: 'The request is invalid.',
    }
    expect(bodyOf('invalid_request', { fields: [unknownVersion] })).toEqual(body)
    expect(bodyOf('invalid_request', { fields: [badId, unknownVersion, missingOrg] })).toEqual(body)
  })

  test('other faults are not shown, and a route parameter of that name is no version', () => {
    const plain = { code: 'invalid_request', message: 'The request is invalid.' }
    expect(bodyOf('invalid_request', { fields: [badId, missingOrg] })).toEqual(plain)
    expect(bodyOf('invalid_request', { fields: [{ ...badId, name: 'X-API-Version' }] })).toEqual(plain)
  })

  test('a wait nobody knows is not made up', () => {
    expect(bodyOf('rate_limited')).toEqual({ code: 'rate_limited', message: 'Too many requests.' })
  })
})

describe('the state of an export', () => {
  test('is hidden: the kinds of 404 are the same bytes', () => {
    expect(new Set(notFoundKinds.map((kind) => JSON.stringify(errors(refusalOf(kind))))).size).toBe(1)
  })

  test.each<[RefusalKind, string]>([
    ['export_not_found', 'export_not_found'],
    ['export_pending', 'export_not_ready'],
    ['export_failed', 'export_failed'],
    ['export_expired', 'export_expired'],
    ['object_missing', 'export_not_found'],
  ])('%s is told as %s where it may be', (kind, reason) => {
    const revealing = codedErrors({ revealState: true })
    expect(JSON.parse(revealing(refusalOf(kind)).body)).toEqual({
      code: 'export_not_found',
      details: { reason },
      message: 'The audit export file is not available for download.',
    })
  })

  test.each<[RefusalKind, number | undefined, number | undefined]>([
    ['export_pending', undefined, 5_000],
    ['export_pending', 30_000, 30_000],
    ['export_failed', 30_000, undefined],
    ['export_not_found', 30_000, undefined],
  ])('%s with a wait of %s: asked again after %s', (kind, retryAfterMs, expected) => {
    const refusal = { ...refusalOf(kind), ...(retryAfterMs !== undefined && { retryAfterMs }) }
    expect(codedErrors({ revealState: true })(refusal).retryAfterMs).toBe(expected)
    expect(errors(refusal).retryAfterMs).toBeUndefined()
  })
})

test.each<unknown>(['true', 1, null])('revealState %j is refused at creation', (revealState) => {
  expect(() => codedErrors({ revealState: revealState as boolean })).toThrow(
    'codedErrors: revealState: must be true or false; got ',
  )
})
