import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import {
  formatRateLimit,
  formatRateLimitPolicy,
  legacyRateLimitFields,
  retryAfterSeconds,
} from '../../../src/http/response-fields.ts'

describe('RateLimit-Policy', () => {
  test.each([
    [[], ''],
    [[{ name: 'download', quota: 60, windowSeconds: 60 }], '"download";q=60;w=60'],
    [
      [{ name: 'streams', quota: 4, unit: 'concurrent-requests' as const }],
      '"streams";q=4;qu="concurrent-requests"',
    ],
    [
      [
        { name: 'download', quota: 60, windowSeconds: 60 },
        { name: 'streams', quota: 4, unit: 'concurrent-requests' as const },
      ],
      '"download";q=60;w=60, "streams";q=4;qu="concurrent-requests"',
    ],
    [[{ name: 'download', quota: 0, windowSeconds: 0.2 }], '"download";q=0;w=1'],
    [[{ name: 'a"b\\c\r\n\u00e9', quota: 1 }], String.raw`"a\"b\\c???";q=1`],
  ])('%o', (policies, field) => {
    expect(formatRateLimitPolicy(policies)).toBe(field)
  })
})

describe('RateLimit', () => {
  test.each([
    [[], ''],
    [[{ name: 'download', remaining: 0, resetSeconds: 5 }], '"download";r=0;t=5'],
    [[{ name: 'download', remaining: 3.9, resetSeconds: 4.1 }], '"download";r=3;t=5'],
    [
      [
        { name: 'download', remaining: 7, resetSeconds: 0 },
        { name: 'tenant', remaining: 9 },
      ],
      '"download";r=7;t=0, "tenant";r=9',
    ],
    [[{ name: 'a', remaining: -1, resetSeconds: -0.5 }], '"a";r=0;t=0'],
    [[{ name: 'a', remaining: Number.NaN, resetSeconds: Infinity }], '"a";r=0;t=999999999999999'],
  ])('%o', (left, field) => {
    expect(formatRateLimit(left)).toBe(field)
  })
})

describe('the older fields', () => {
  const policies = [
    { name: 'principal', quota: 60, windowSeconds: 60 },
    { name: 'tenant', quota: 500 },
  ]

  test('tell of the quota nearest its end', () => {
    const left = [
      { name: 'principal', remaining: 59, resetSeconds: 1 },
      { name: 'tenant', remaining: 2, resetSeconds: 7 },
    ]
    expect(legacyRateLimitFields(policies, left)).toEqual({
      'X-RateLimit-Limit': '500',
      'X-RateLimit-Remaining': '2',
      'X-RateLimit-Reset': '7',
    })
  })

  test('omit an unknown time', () => {
    expect(legacyRateLimitFields(policies, [{ name: 'tenant', remaining: 2 }])).toEqual({
      'X-RateLimit-Limit': '500',
      'X-RateLimit-Remaining': '2',
    })
  })

  test('are absent without a quota', () => {
    expect(legacyRateLimitFields(policies, [])).toEqual({})
    expect(legacyRateLimitFields([], [{ name: 'tenant', remaining: 2 }])).toEqual({})
  })
})

describe('Retry-After', () => {
  test.each([
    [0, 1],
    [1, 1],
    [1_000, 1],
    [1_001, 2],
    [5_000, 5],
    [5_001, 6],
    [-5, 1],
    [Number.NaN, 1],
  ])('%d ms: %d s', (ms, seconds) => {
    expect(retryAfterSeconds(ms)).toBe(seconds)
  })

  test('is never earlier than the milliseconds, and never a second later', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e12 }), (ms) => {
        const seconds = retryAfterSeconds(ms)
        expect(seconds * 1_000).toBeGreaterThanOrEqual(ms)
        expect((seconds - 1) * 1_000).toBeLessThan(ms)
      }),
    )
  })
})

test('no name breaks out of its string', () => {
  const item = String.raw`"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"`
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.double(), (name, amount) => {
      expect(formatRateLimit([{ name, remaining: amount }])).toMatch(
        new RegExp(String.raw`^${item};r=\d{1,15}$`),
      )
      expect(formatRateLimitPolicy([{ name, quota: amount, windowSeconds: amount }])).toMatch(
        new RegExp(String.raw`^${item};q=\d{1,15};w=[1-9]\d{0,14}$`),
      )
    }),
  )
})
