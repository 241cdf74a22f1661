import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { EntityTag } from '../../../src/http/preconditions.ts'
import { parseEntityTag, parseEntityTags, strongMatch, weakMatch } from '../../../src/http/preconditions.ts'

const strong = (opaque: string): EntityTag => ({ weak: false, opaque })
const weak = (opaque: string): EntityTag => ({ weak: true, opaque })

describe('one tag', () => {
  test.each<[string, EntityTag]>([
    ['"a"', strong('a')],
    ['W/"a"', weak('a')],
    ['""', strong('')],
    ['"a,b!"', strong('a,b!')],
    ['"\u00e9\u00ff"', strong('\u00e9\u00ff')],
    [String.raw`"a\b"`, strong(String.raw`a\b`)],
  ])('%s', (text, tag) => {
    expect(parseEntityTag(text)).toEqual(tag)
  })

  test.each([
    '',
    'a',
    '"a',
    'a"',
    "'a'",
    'w/"a"',
    'W/ "a"',
    '"a" ',
    ' "a"',
    '"a b"',
    '"a"b"',
    '"a\u007f"',
    '"a\u0100"',
    '"a\n"',
    '*',
    `"${'a'.repeat(9_000)}"`,
  ])('none: %j', (text) => {
    expect(parseEntityTag(text)).toBeUndefined()
  })
})

describe('a list of tags', () => {
  test.each<[string, readonly EntityTag[] | '*']>([
    ['*', '*'],
    ['"a"', [strong('a')]],
    ['"a","b"', [strong('a'), strong('b')]],
    ['"a" , W/"b"\t,"c,d"', [strong('a'), weak('b'), strong('c,d')]],
    [', "a",, ,"b", ', [strong('a'), strong('b')]],
  ])('%s', (text, tags) => {
    expect(parseEntityTags(text)).toEqual(tags)
  })

  test.each([
    '',
    ',',
    ' , ',
    '*, "a"',
    '"a", *',
    '"a" "b"',
    '"a";"b"',
    '"a", b',
    '"a"x',
    'W/',
    '"a", "b',
    `${'"a",'.repeat(3_000)}"a"`,
  ])('none: %j', (text) => {
    expect(parseEntityTags(text)).toBeUndefined()
  })

  test('long hostile text is judged at once', () => {
    const started = performance.now()
    for (const text of [
      `${' '.repeat(8_000)}x`,
      `"a"${' '.repeat(8_000)}x`,
      `"a"${' ,'.repeat(4_000)}x`,
      '"'.repeat(8_001),
      `"${'a'.repeat(8_000)}`,
    ]) {
      for (let time = 0; time < 200; time += 1) expect(parseEntityTags(text)).toBeUndefined()
    }
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})

describe('comparison, as RFC 9110 §8.8.3.2 tables it', () => {
  test.each([
    [weak('1'), weak('1'), false, true],
    [weak('1'), weak('2'), false, false],
    [weak('1'), strong('1'), false, true],
    [strong('1'), strong('1'), true, true],
  ])('%o %o', (one, other, strongly, weakly) => {
    expect(strongMatch(one, other)).toBe(strongly)
    expect(strongMatch(other, one)).toBe(strongly)
    expect(weakMatch(one, other)).toBe(weakly)
  })
})

describe('properties', () => {
  const opaque = fc.string({ unit: fc.constantFrom(...'!#,;*/Waz09~\u00e9'.split('')), maxLength: 12 })
  const tag = fc.record({ weak: fc.boolean(), opaque })

  test('what is written in a list is read from it, whatever stands between', () => {
    const between = fc.constantFrom(',', ' ,', ', ', '\t,\t', ',,', ', ,')
    fc.assert(
      fc.property(fc.array(tag, { minLength: 1 }), between, (tags, separator) => {
        const text = tags.map(({ weak, opaque }) => `${weak ? 'W/' : ''}"${opaque}"`).join(separator)
        expect(parseEntityTags(text)).toEqual(tags)
      }),
    )
  })

  test('no text throws', () => {
    const tagLike = fc.string({ unit: fc.constantFrom(...'W/"ab,* \t'.split('')), maxLength: 40 })
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), tagLike), (text) => {
        parseEntityTag(text)
        expect(parseEntityTags(text)?.length).not.toBe(0)
      }),
      { numRuns: 3_000 },
    )
  })
})
