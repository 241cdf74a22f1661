import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { formatChallenge, readBearer } from '../../src/http/bearer.ts'

describe('a token', () => {
  test.each([
    ['Bearer abc', 'abc'],
    ['bearer abc', 'abc'],
    ['BEARER abc', 'abc'],
    ['Bearer    abc', 'abc'],
    ['Bearer a.b-c_d~e+f/g==', 'a.b-c_d~e+f/g=='],
    [`Bearer ${'a'.repeat(65_536)}`, 'a'.repeat(65_536)],
  ])('%#', (value, token) => {
    expect(readBearer(value)).toEqual({ kind: 'token', token })
  })
})

describe('no bearer credentials', () => {
  test.each([
    undefined,
    '',
    ' ',
    'Bearer',
    'bearer',
    'Bearer ',
    'Bearer    ',
    'Basic YTpi',
    'Bearerabc',
    'Bearer\tabc',
    'Bearer,abc',
    'Token abc',
    ' Bearer abc',
    'DPoP abc',
    'Basic a, Bearer b',
  ])('%j', (value) => {
    expect(readBearer(value)).toEqual({ kind: 'none' })
  })
})

describe('repeated', () => {
  test.each(['Bearer a, Bearer b', 'Bearer a, Bearer a', 'Bearer a,', 'Bearer a, Basic b', 'bearer ,a'])(
    '%j',
    (value) => {
      expect(readBearer(value)).toEqual({ kind: 'repeated' })
    },
  )
})

describe('malformed', () => {
  const wrong = 'the bearer credentials are not one token68 (RFC 6750 §2.1)'

  test.each([
    [`Bearer ${'a'.repeat(65_537)}`, 65_537],
    [`Bearer ${'a'.repeat(1_000_000)}`, 1_000_007],
    [`Bearer ${' '.repeat(1_000_000)}`, 1_000_007],
  ])('too long: %#', (value, length) => {
    const fault = `the bearer credentials have ${length} characters, more than 65536`
    expect(readBearer(value)).toEqual({ kind: 'malformed', fault })
  })

  test.each([
    'Bearer a b',
    'Bearer a ',
    'Bearer a\t',
    'Bearer a\n',
    'Bearer =',
    'Bearer =a',
    'Bearer a=b',
    'Bearer "a"',
    'Bearer a\u00e9',
    'Bearer {a}',
    'Bearer a%20',
  ])('%#', (value) => {
    expect(readBearer(value)).toEqual({ kind: 'malformed', fault: wrong })
  })
})

describe('a challenge', () => {
  test.each([
    [formatChallenge('exports'), 'Bearer realm="exports"'],
    [formatChallenge('exports', { error: 'invalid_token' }), 'Bearer realm="exports", error="invalid_token"'],
    [
      formatChallenge('exports', { error: 'insufficient_scope', scope: 'audit-logs:export:download' }),
      'Bearer realm="exports", error="insufficient_scope", scope="audit-logs:export:download"',
    ],
    [formatChallenge('a"b\\c\r\nd\u00e9\u{1f600}'), 'Bearer realm="a?b?c??d??"'],
  ])('%#', (challenge, expected) => {
    expect(challenge).toBe(expected)
  })
})

describe('properties', () => {
  test('no text throws, and a token is one run of token68', () => {
    const credentialLike = fc.string({
      unit: fc.constantFrom('Bearer', ' ', ',', 'abc', '=', '.', '"', '\t'),
    })
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), credentialLike), (text) => {
        const read = readBearer(text)
        expect(read.kind !== 'token' || /^[A-Za-z0-9._~+/-]+=*$/.test(read.token)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  test('no text breaks out of a challenge', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        fc.string(),
        (realm, error, scope) => {
          const inside = String.raw`[\x20\x21\x23-\x5b\x5d-\x7e]*`
          expect(formatChallenge(realm, { error, scope })).toMatch(
            new RegExp(`^Bearer realm="${inside}", error="${inside}", scope="${inside}"$`),
          )
        },
      ),
    )
  })
})
