import { isDeepStrictEqual } from 'node:util'

import type { AdmissionAsk } from '@sallyport/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { nameKeys } from '../src/names.ts'

const quota = { capacity: 60, refill: 1, perMs: 1_000 }
const asked = (key: readonly string[]): AdmissionAsk['quotas'][number] => ({
  name: key.join('/'),
  key,
  quota,
})
const slotAt = (key: readonly string[]): AdmissionAsk['slots'][number] => ({
  name: key.join('/'),
  key,
  limit: 1,
  scope: 'fleet',
})
const nameOf = (key: readonly string[]): string =>
  nameKeys('sallyport', { partition: key[0] ?? '', quotas: [asked(key)], slots: [], cost: 1 }).quotas[0] ?? ''

describe('names', () => {
  test('are equal in every process and release', () => {
    const ask = {
      partition: 'acme',
      quotas: [asked(['acme', 'tenant'])],
      slots: [slotAt(['acme', 'tenant'])],
      cost: 1,
    }
    expect(nameKeys('exports', ask)).toEqual({
      tag: 'B_rVT3RGJpr8SB4w',
      quotas: ['exports:{B_rVT3RGJpr8SB4w}:q:BS7UOR_k5nVPrgfMh9hhnYHGu67ODf7-4Wi2BLZWK6o'],
      slots: ['exports:{B_rVT3RGJpr8SB4w}:s:U0ZA_XeOuTI9S0O19lVztI9XONnUHDAEbxPzkG27vnY'],
    })
  })

  test('of one ask share their hash tag', () => {
    const { tag, quotas, slots } = nameKeys('sallyport', {
      partition: 'acme',
      quotas: [asked(['acme', 'principal', 'ada']), asked(['acme', 'tenant'])],
      slots: [slotAt(['acme', 'principal', 'ada'])],
      cost: 1,
    })
    expect([...quotas, ...slots].map((name) => /\{(.*?)\}/u.exec(name)?.[1])).toEqual([tag, tag, tag])
  })

  test('reveal nothing of the key', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (key) => {
        expect(nameOf(key)).toMatch(/^sallyport:\{[\w-]{16}\}:q:[\w-]{43}$/u)
      }),
    )
  })

  test('differ for different keys', () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('{', '}', '\n', ':', '"', '\ud800') }),
    )
    const key = fc.array(part, { minLength: 1 })
    fc.assert(
      fc.property(key, key, (one, two) => {
        expect(nameOf(one) === nameOf(two)).toBe(isDeepStrictEqual(one, two))
      }),
      { numRuns: 1_000 },
    )
  })

  test.each([
    { one: ['{a}', 'b'], two: ['{a', '}b'] },
    { one: ['a\nb'], two: ['a', 'b'] },
    { one: ['a:b'], two: ['a', 'b'] },
    { one: ['\ud800'], two: ['\udfff'] },
    { one: ['é'], two: ['e\u0301'] },
    { one: [`${'x'.repeat(65_536)}1`], two: [`${'x'.repeat(65_536)}2`] },
    { one: ['60', 'a'], two: ['a'] },
  ])('$one and $two have different names', ({ one, two }) => {
    expect(nameOf(one)).not.toBe(nameOf(two))
  })

  test('another quota has another bucket; another limit has the same slot', () => {
    const other = { ...asked(['acme']), quota: { ...quota, capacity: 61 } }
    const named = (quotas: AdmissionAsk['quotas'], limit: number): unknown =>
      nameKeys('sallyport', { partition: 'acme', quotas, slots: [{ ...slotAt(['acme']), limit }], cost: 1 })
    expect(named([other], 1)).not.toEqual(named([asked(['acme'])], 1))
    expect(named([other], 1)).toEqual(named([other], 2))
  })
})

describe('an ask that names a key twice is refused', () => {
  test('twice the same', () => {
    expect(() =>
      nameKeys('sallyport', { partition: 'a', quotas: [asked(['a']), asked(['a'])], slots: [], cost: 1 }),
    ).toThrow(RangeError)
    expect(() =>
      nameKeys('sallyport', { partition: 'a', quotas: [], slots: [slotAt(['a']), slotAt(['a'])], cost: 1 }),
    ).toThrow(RangeError)
  })
})
