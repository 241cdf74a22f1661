import { posix } from 'node:path'

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { isPrefix, joinKey, trimPrefix } from '../src/object-key.ts'

const hostile = [
  ['empty', ''],
  ['one dot', '.'],
  ['two dots', '..'],
  ['up and out', '../x'],
  ['up in the middle', 'a/../b'],
  ['up at the end', 'a/..'],
  ['a dot in the middle', 'a/./b'],
  ['absolute', '/a'],
  ['an empty segment', 'a//b'],
  ['a slash at the end', 'a/'],
  ['only a slash', '/'],
  ['NUL', 'a\0b'],
  ['backslash', String.raw`a\b`],
  ['half a character', 'a\ud800'],
  ['a byte too long', 'x'.repeat(1025)],
  ['a byte too long in UTF-8', `${'é'.repeat(512)}x`],
] as const

const segment = fc
  .string({ unit: fc.constantFrom('a', 'b', '0', '.', ' ', '%', 'é', '-'), minLength: 1, maxLength: 4 })
  .filter((text) => text !== '.' && text !== '..')
const segments = fc.array(segment, { minLength: 1, maxLength: 4 })
const pair = fc.record({ prefix: fc.option(segments, { nil: undefined }), key: segments })

const joined = ({ prefix, key }: { prefix: string[] | undefined; key: string[] }): string =>
  joinKey(trimPrefix(prefix?.join('/')), key.join('/'))

const attempt = (join: () => string): string => {
  try {
    return join()
  } catch (error) {
    return error instanceof Error ? error.message : 'no error'
  }
}

const causeOf = (join: () => string): string => {
  try {
    return join()
  } catch (error) {
    return String(error instanceof Error ? error.cause : error)
  }
}

describe('joinKey', () => {
  test.each(hostile)('refuses a key: %s', (_, key) => {
    expect(() => joinKey(undefined, key)).toThrow('upstream_error')
    expect(() => joinKey('exports', key)).toThrow('upstream_error')
  })

  test('refuses a key that is not a string', () => {
    const nothing: unknown = undefined
    expect(() => joinKey('exports', nothing as string)).toThrow('upstream_error')
  })

  test.each(['...', '..a', 'a..', '.hidden', 'a b', 'a:b', '%2e%2e', 'é/ü', 'x'.repeat(1024)])(
    'takes %j as it is',
    (key) => {
      expect(joinKey(undefined, key)).toBe(key)
    },
  )

  test('counts the prefix into the longest key', () => {
    expect(joinKey('ab', 'x'.repeat(1021))).toHaveLength(1024)
    expect(() => joinKey('ab', 'x'.repeat(1022))).toThrow('upstream_error')
  })

  test('two pairs give the same name only if their segments are the same', () => {
    fc.assert(
      fc.property(pair, pair, (one, other) => {
        const path = ({ prefix = [], key }: typeof one): string => JSON.stringify([...prefix, ...key])
        expect(joined(one) === joined(other)).toBe(path(one) === path(other))
      }),
      { numRuns: 500 },
    )
  })

  test('prefixes that do not contain each other have no name in common', () => {
    fc.assert(
      fc.property(segments, segments, segments, segments, (one, other, key, otherKey) => {
        fc.pre(one.some((part, at) => at < other.length && part !== other[at]))
        expect(joined({ prefix: one, key })).not.toBe(joined({ prefix: other, key: otherKey }))
      }),
      { numRuns: 500 },
    )
  })

  test('every key is refused or stays below the prefix', () => {
    const anything = fc.oneof(
      fc.array(fc.nat(0xffff), { maxLength: 12 }).map((codes) => String.fromCharCode(...codes)),
      fc.string({ unit: fc.constantFrom('.', '/', '\\', '\0', 'a', '%2e') }),
    )
    fc.assert(
      fc.property(anything, (key) => {
        const name = attempt(() => joinKey('exports/acme', key))
        expect([posix.normalize(name), 'upstream_error']).toContain(name)
        expect(name === 'upstream_error' || name.startsWith('exports/acme/')).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

describe("joinKey by the rule 'literal'", () => {
  const literal = [
    '.',
    '..',
    '../x',
    'a/../b',
    'a/..',
    'a/./b',
    '/a',
    'a//b',
    'a/',
    '/',
    '//',
    String.raw`a\b`,
    String.raw`..\x`,
    '%2e%2e/x',
    'a b',
    'x'.repeat(1008),
  ]
  test.each(literal)('takes %j as it is', (key) => {
    expect(joinKey(undefined, key, 'literal')).toBe(key)
    expect(joinKey('exports/acme', key, 'literal')).toBe(`exports/acme/${key}`)
  })

  test.each([
    ['empty', ''],
    ['NUL', 'a\0b'],
    ['half a character', 'a\ud800'],
    ['a byte too long', 'x'.repeat(1025)],
    ['a byte too long in UTF-8', `${'é'.repeat(512)}x`],
  ])('refuses a key: %s', (_, key) => {
    expect(() => joinKey(undefined, key, 'literal')).toThrow('upstream_error')
    expect(() => joinKey('exports', key, 'literal')).toThrow('upstream_error')
  })

  test.each(['.', '..', '../x', 'a/../b', 'a/.', String.raw`..\x`, String.raw`a\..\b`])(
    "the rule 'no dots' refuses %j",
    (key) => {
      expect(() => joinKey('exports', key, 'no dots')).toThrow('upstream_error')
    },
  )

  test.each(['/a', 'a//b', 'a/', '//', String.raw`a\b`, '...', '..a', 'a..', '.hidden'])(
    "the rule 'no dots' takes %j as it is",
    (key) => {
      expect(joinKey('exports', key, 'no dots')).toBe(`exports/${key}`)
    },
  )

  test('every key is refused or stays behind the prefix', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('.', '/', '\\', '\0', 'a', '%2e') }), (key) => {
        const name = attempt(() => joinKey('exports/acme', key, 'literal'))
        expect(['upstream_error', `exports/acme/${key}`]).toContain(name)
      }),
      { numRuns: 500 },
    )
  })
})

test.each([
  ['', 'is empty or not a string'],
  ['a\0b', 'has a NUL'],
  ['a\ud800', 'has a lone surrogate'],
  ['a/../b', "has a segment '.' or '..' (stores of objects take such keys with the option keys: 'literal')"],
  ['a//b', "has an empty segment: '/' at an end, or twice in a row (stores of objects take such keys"],
  [String.raw`a\b`, 'has a backslash (stores of objects take such keys'],
  ['x'.repeat(1025), 'is too long'],
])('the refusal of %j has the cause: %s', (key, cause) => {
  expect(causeOf(() => joinKey('exports', key))).toContain(`the key of the record ${cause}`)
})

describe('a prefix', () => {
  test.each([undefined, ''])('that is %j counts as absent', (prefix) => {
    expect(trimPrefix(prefix)).toBeUndefined()
  })

  test('loses one slash at its end', () => {
    expect(trimPrefix('exports/acme/')).toBe('exports/acme')
  })

  test.each(['', 'exports', 'exports/acme/', 'x'.repeat(1023)])('can be %j', (prefix) => {
    expect(isPrefix(prefix)).toBe(true)
  })

  test.each([
    '/',
    '/a',
    'a//',
    'a//b',
    '.',
    '..',
    'a/../b',
    String.raw`a\b`,
    'a\0',
    '\udc00',
    'x'.repeat(1024),
  ])('cannot be %j', (prefix) => {
    expect(isPrefix(prefix)).toBe(false)
  })
})
