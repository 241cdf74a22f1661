import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { parseRequestId } from '../../../src/http/field-values.ts'

describe('a request id', () => {
  test.each(['a', 'A-b_c.9', '8f14e45f-ceea-467f-9a3b-0c1d2e3f4a5b', 'x'.repeat(64)])(
    '%s is taken',
    (value) => {
      expect(parseRequestId(value)).toBe(value)
    },
  )

  test.each([
    undefined,
    '',
    ' ',
    'a b',
    'a,b',
    'a\n',
    'a\u001b[31m',
    '\u00e9',
    'a:b',
    '${jndi:ldap://x}',
    'x'.repeat(65),
    'x'.repeat(1_000_000),
  ])('%j is not', (value) => {
    expect(parseRequestId(value)).toBeUndefined()
  })

  test('no text throws, and an accepted id is unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect([undefined, text]).toContain(parseRequestId(text))
      }),
    )
  })
})
