import { expect, test } from 'vitest'

import { isPrefetch } from '../../../src/http/negotiation.ts'

test.each<[Record<string, string>, boolean]>([
  [{}, false],
  [{ 'sec-purpose': 'prefetch' }, true],
  [{ 'sec-purpose': 'Prefetch' }, true],
  [{ 'sec-purpose': 'prefetch;prerender' }, true],
  [{ 'sec-purpose': 'prefetch ;anonymous-client-ip' }, true],
  [{ purpose: 'prefetch' }, true],
  [{ 'x-moz': 'prefetch' }, true],
  [{ purpose: 'preview, prefetch' }, true],
  [{ 'sec-purpose': '' }, false],
  [{ 'sec-purpose': 'prefetching' }, false],
  [{ 'sec-purpose': 'no-prefetch' }, false],
  [{ 'sec-fetch-mode': 'prefetch' }, false],
])('%o: %s', (headers, expected) => {
  expect(isPrefetch((name) => headers[name])).toBe(expected)
})
