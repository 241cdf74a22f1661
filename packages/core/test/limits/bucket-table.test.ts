import { isDeepStrictEqual } from 'node:util'

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { keyName } from '../../src/limits/token-bucket.ts'

const parts = fc.array(
  fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('"', ',', '\\', '\n', '{', '}', '\ud800', '[', ']') }),
  ),
)

describe('keyName', () => {
  test('different parts have different names', () => {
    fc.assert(
      fc.property(parts, parts, (one, two) => {
        expect(keyName(one) === keyName(two)).toBe(isDeepStrictEqual(one, two))
      }),
      { numRuns: 5_000 },
    )
  })

  test.each([
    { one: ['ab', 'c'], two: ['a', 'bc'] },
    { one: ['a,b'], two: ['a', 'b'] },
    { one: ['a","b'], two: ['a', 'b'] },
    { one: [''], two: [] },
    { one: ['', ''], two: [''] },
    { one: ['\ud800'], two: ['\udfff'] },
    { one: ['\ud800'], two: ['\ufffd'] },
    { one: ['\ud800'], two: [String.raw`\ud800`] },
    { one: ['é'], two: ['e\u0301'] },
    { one: [`${'x'.repeat(65_536)}a`], two: [`${'x'.repeat(65_536)}b`] },
    { one: [`${'x'.repeat(300)}\ud800`], two: [`${'x'.repeat(300)}\udfff`] },
  ])('$one.length parts and $two.length parts have different names', ({ one, two }) => {
    expect(keyName(one)).not.toBe(keyName(two))
  })

  test('a name is never longer than 160 characters', () => {
    expect(keyName(['x'.repeat(155)])).toBe(`["${'x'.repeat(155)}"]`)
    expect(keyName(['x'.repeat(157)])).toMatch(/^[\w-]{43}$/u)
    expect(keyName(['x'.repeat(1_000_000)])).toMatch(/^[\w-]{43}$/u)
  })
})
