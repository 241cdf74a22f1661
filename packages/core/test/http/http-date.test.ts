import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { formatHttpDate, parseHttpDate } from '../../src/http/http-date.ts'

const now = Date.parse('2026-11-21T00:00:00Z')
const example = '1994-11-06T08:49:37.000Z'

describe('the three forms of RFC 9110 §5.6.7', () => {
  test.each([
    ['Sun, 06 Nov 1994 08:49:37 GMT', example],
    ['Sunday, 06-Nov-94 08:49:37 GMT', example],
    ['Sun Nov  6 08:49:37 1994', example],
    ['Sun Nov 06 08:49:37 1994', example],
    ['Thu Nov 10 08:49:37 1994', '1994-11-10T08:49:37.000Z'],
    ['Thu, 29 Feb 2024 00:00:00 GMT', '2024-02-29T00:00:00.000Z'],
    ['Fri, 31 Dec 9999 23:59:59 GMT', '9999-12-31T23:59:59.000Z'],
    ['Sat, 31 Dec 2016 23:59:60 GMT', '2017-01-01T00:00:00.000Z'],
  ])('%s', (value, instant) => {
    expect(parseHttpDate(value, now)?.toISOString()).toBe(instant)
  })
})

describe('a two-digit year is never more than 50 years ahead', () => {
  test.each([
    ['Saturday, 21-Nov-26 00:00:00 GMT', '2026-11-21T00:00:00Z', '2026-11-21T00:00:00.000Z'],
    ['Saturday, 21-Nov-76 00:00:00 GMT', '2026-11-21T00:00:00Z', '2076-11-21T00:00:00.000Z'],
    ['Sunday, 21-Nov-76 00:00:01 GMT', '2026-11-21T00:00:00Z', '1976-11-21T00:00:01.000Z'],
    ['Friday, 01-Jan-99 00:00:00 GMT', '2026-11-21T00:00:00Z', '1999-01-01T00:00:00.000Z'],
    ['Thursday, 01-Jan-05 00:00:00 GMT', '2095-06-01T00:00:00Z', '2105-01-01T00:00:00.000Z'],
  ])('%s, read at %s', (value, readAt, instant) => {
    expect(parseHttpDate(value, Date.parse(readAt))?.toISOString()).toBe(instant)
  })

  test('the clock is asked where no time is given', () => {
    expect(parseHttpDate('Sunday, 06-Nov-94 08:49:37 GMT')?.toISOString()).toBe(example)
  })
})

describe('no date', () => {
  test.each([
    '',
    '0',
    '1994-11-06T08:49:37Z',
    '1994-11-06',
    '784111777',
    'Mon, 06 Nov 1994 08:49:37 GMT',
    'Monday, 06-Nov-94 08:49:37 GMT',
    'Mon Nov  6 08:49:37 1994',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 94 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 08:49:37 +0000',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 8:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:60:37 GMT',
    'Sun, 06 Nov 1994 08:49:60 GMT',
    'Sun, 06 Nov 1994 23:59:61 GMT',
    'sun, 06 nov 1994 08:49:37 gmt',
    'Sun,  06 Nov 1994 08:49:37 GMT',
    ' Sun, 06 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 GMT ',
    'Sun, 06 Nov 1994 08:49:37 GMT\n',
    'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
    'Wed, 30 Feb 2022 00:00:00 GMT',
    'Wed, 29 Feb 2023 00:00:00 GMT',
    'Sat, 31 Jun 2023 00:00:00 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 32 Nov 1994 08:49:37 GMT',
    'Sun, 06 Foo 1994 08:49:37 GMT',
    'Xyz, 06 Nov 1994 08:49:37 GMT',
    'Sonntag, 06-Nov-94 08:49:37 GMT',
    'Sun Nov 6 08:49:37 1994',
    'Sun Nov  6 08:49:37 1994 GMT',
    'x'.repeat(100_000),
  ])('%j', (value) => {
    expect(parseHttpDate(value, now)).toBeUndefined()
  })
})

describe('writing', () => {
  test('rounds down to the second', () => {
    expect(formatHttpDate(new Date('1994-11-06T08:49:37.999Z'))).toBe('Sun, 06 Nov 1994 08:49:37 GMT')
  })

  test('stays within four digits of year', () => {
    expect(formatHttpDate(new Date(8.64e15))).toBe('Fri, 31 Dec 9999 23:59:59 GMT')
    expect(formatHttpDate(new Date(-8.64e15))).toBe('Sat, 01 Jan 0000 00:00:00 GMT')
  })

  test('an invalid date is refused', () => {
    expect(() => formatHttpDate(new Date(Number.NaN))).toThrow(RangeError)
  })
})

describe('properties', () => {
  const instant = fc.integer({
    min: Date.parse('0100-01-01T00:00:00Z') / 1_000,
    max: Date.parse('9999-12-31T23:59:59Z') / 1_000,
  })

  test('what is written is read', () => {
    fc.assert(
      fc.property(instant, (seconds) => {
        expect(parseHttpDate(formatHttpDate(new Date(seconds * 1_000)), now)?.getTime()).toBe(seconds * 1_000)
      }),
    )
  })

  test('no text throws', () => {
    const dateLike = fc.tuple(
      fc.constantFrom('Sun, ', 'Sunday, ', 'Sun '),
      fc.string({ unit: fc.constantFrom(...'0123456789:- NovGMT'.split('')), maxLength: 24 }),
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          dateLike.map((parts) => parts.join('')),
        ),
        (text) => {
          expect(parseHttpDate(text, now)?.getTime()).not.toBeNaN()
        },
      ),
      { numRuns: 3_000 },
    )
  })
})
