import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { formatDeprecation, formatLinks, formatSunset } from '../../../src/http/response-fields.ts'

test('Deprecation, the example of RFC 9745 §2.1', () => {
  expect(formatDeprecation(new Date('2023-06-30T23:59:59.900Z'))).toBe('@1688169599')
})

test('a deprecation before 1970', () => {
  expect(formatDeprecation(new Date('1969-12-31T23:59:59.500Z'))).toBe('@-1')
})

test('Sunset is an HTTP-date in GMT', () => {
  expect(formatSunset(new Date('2018-12-31T23:59:59Z'))).toBe('Mon, 31 Dec 2018 23:59:59 GMT')
})

test('an invalid date is refused', () => {
  expect(() => formatDeprecation(new Date(Number.NaN))).toThrow(RangeError)
  expect(() => formatSunset(new Date(Number.NaN))).toThrow(RangeError)
})

describe('Link', () => {
  test.each([
    [{}, ''],
    [{ deprecation: 'https://example.com/d' }, '<https://example.com/d>; rel="deprecation"'],
    [
      {
        'successor-version': '/v2?a=1#x',
        sunset: 'https://example.com/s',
        deprecation: 'https://example.com/d',
      },
      '<https://example.com/d>; rel="deprecation", <https://example.com/s>; rel="sunset", </v2?a=1#x>; rel="successor-version"',
    ],
    [
      { sunset: 'https://example.com/>;a="\r\nX: y' },
      '<https://example.com/%3E;a=%22%0D%0AX:%20y>; rel="sunset"',
    ],
    [
      { sunset: 'https://example.com/caf\u00e9%20%zz%' },
      '<https://example.com/caf%C3%A9%20%25zz%25>; rel="sunset"',
    ],
    [{ sunset: '/\ud800' }, '</%EF%BF%BD>; rel="sunset"'],
  ])('%o', (links, field) => {
    expect(formatLinks(links)).toBe(field)
  })

  test('no text ends the link', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (uri) => {
        expect(formatLinks({ sunset: uri })).toMatch(
          /^<(?:[\w.~:/?#[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*>; rel="sunset"$/,
        )
      }),
    )
  })
})
