import { createHash } from 'node:crypto'

import { describe, expect, test } from 'vitest'

import { createTokenCache, digestOf } from '../../src/verifiers/token-cache.ts'

const life = { since: 0, until: 10, bytes: 0 }

describe('createTokenCache', () => {
  test.each([
    [1_000, true],
    [1_999, true],
    [2_000, false],
    [999, false], // the clock was set back
  ])('an entry from 1000 to before 2000, asked at %i: %s', (at, known) => {
    const cache = createTokenCache<{ name: string }>(100, 1_000_000)
    const value = { name: 'a' }
    cache.set('digest', value, { since: 1_000, until: 2_000, bytes: 0 })
    expect(cache.get('digest', at)).toBe(known ? value : undefined)
  })

  test('does not keep what is over at once', () => {
    const cache = createTokenCache<object>(100, 1_000_000)
    cache.set('digest', {}, { since: 1_000, until: 1_000, bytes: 0 })
    expect(cache.get('digest', 1_000)).toBeUndefined()
  })

  test('keeps so many tokens and lets the least recently used go', () => {
    const cache = createTokenCache<object>(100, 1_000_000)
    for (let index = 0; index < 100; index += 1) cache.set(`${index}`, {}, life)
    cache.get('0', 1)
    cache.set('one more', {}, life)
    expect(cache.get('0', 1)).toEqual({})
    expect(cache.get('1', 1)).toBeUndefined()
    expect(cache.get('one more', 1)).toEqual({})
  })

  test('keeps so many bytes, however few tokens hold them', () => {
    const cache = createTokenCache<object>(100, 200_000)
    for (let index = 0; index < 4; index += 1) cache.set(`${index}`, {}, { ...life, bytes: 60_000 })
    const known = ['0', '1', '2', '3'].map((digest) => cache.get(digest, 1) !== undefined)
    expect(known).toEqual([false, true, true, true])
  })

  test('is empty when cleared', () => {
    const cache = createTokenCache<object>(100, 1_000_000)
    cache.set('digest', {}, life)
    cache.clear()
    expect(cache.get('digest', 1)).toBeUndefined()
  })
})

test('digestOf is SHA-256', () => {
  expect(digestOf('token')).toBe(createHash('sha256').update('token').digest('base64url'))
})
