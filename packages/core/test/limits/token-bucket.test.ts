import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { bucketRule, msUntil, msUntilNext, refilled, wholeTokens } from '../../src/limits/token-bucket.ts'

const LARGEST = Number.MAX_SAFE_INTEGER

/** Quotas up to the very edge of what is exact, and the credit of a bucket: up to full, or a debt of up to as much. */
const quotas = fc.integer({ min: 1, max: LARGEST }).chain((perMs) =>
  fc.record({
    capacity: fc.integer({ min: 1, max: Math.floor(LARGEST / perMs) }),
    refill: fc.integer({ min: 1, max: LARGEST }),
    perMs: fc.constant(perMs),
  }),
)

const creditIn = ({ full }: { readonly full: number }, some: number): number =>
  (some < 0 ? some % (LARGEST - full + 1) : some % (full + 1)) + 0 // not -0
const anyCredit = fc.integer({ min: -LARGEST, max: LARGEST })

describe('bucketRule', () => {
  test('a full bucket holds capacity times perMs', () => {
    expect(bucketRule('user', { capacity: 60, refill: 1, perMs: 1_000 })).toEqual({
      full: 60_000,
      perToken: 1_000,
      gainPerMs: 1,
    })
  })

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, LARGEST + 1])(
    '%s is no member of a quota',
    (wrong) => {
      const good = { capacity: 60, refill: 1, perMs: 1_000 }
      expect(() => bucketRule('user', { ...good, capacity: wrong })).toThrow(
        /^quota "user": capacity, refill and perMs/u,
      )
      expect(() => bucketRule('user', { ...good, refill: wrong })).toThrow(RangeError)
      expect(() => bucketRule('user', { ...good, perMs: wrong })).toThrow(RangeError)
    },
  )

  test('capacity times perMs of 2^53 is refused, one below it is not', () => {
    expect(() => bucketRule('user', { capacity: 2 ** 26, refill: 1, perMs: 2 ** 27 })).toThrow(
      'quota "user": capacity times perMs must be below 2^53',
    )
    expect(bucketRule('user', { capacity: 1, refill: 1, perMs: LARGEST }).full).toBe(LARGEST)
  })
})

test('a rule in lowest terms is the same fraction', () => {
  fc.assert(
    fc.property(quotas, (quota) => {
      const { full, perToken, gainPerMs } = bucketRule('any', quota)
      expect(BigInt(gainPerMs) * BigInt(quota.perMs)).toBe(BigInt(quota.refill) * BigInt(perToken))
      expect(full).toBe(quota.capacity * perToken)
    }),
  )
  const day = { capacity: 5e11, refill: 5e11, perMs: 86_400_000 }
  expect(bucketRule('day', day)).toEqual({ full: 13_500_000_000_000, perToken: 27, gainPerMs: 156_250 })
})

describe('the arithmetic equals that of BigInt', () => {
  test('refilled', () => {
    fc.assert(
      fc.property(
        quotas,
        anyCredit,
        fc.integer({ min: -LARGEST, max: LARGEST }),
        (quota, some, elapsedMs) => {
          const rule = bucketRule('any', quota)
          const credit = creditIn(rule, some)
          const grown = BigInt(credit) + (elapsedMs > 0 ? BigInt(elapsedMs) * BigInt(rule.gainPerMs) : 0n)
          const expected = grown > BigInt(rule.full) ? rule.full : Number(grown)
          expect(refilled(rule, credit, elapsedMs)).toBe(expected)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('msUntil is the first millisecond with enough credit', () => {
    fc.assert(
      fc.property(quotas, anyCredit, fc.nat(LARGEST), (quota, one, two) => {
        const rule = bucketRule('any', quota)
        const [credit, wanted] = [creditIn(rule, one), two % (rule.full + 1)]
        const wait = BigInt(msUntil(rule, credit, wanted))
        const refill = BigInt(rule.gainPerMs)
        expect(BigInt(credit) + wait * refill >= BigInt(wanted)).toBe(true)
        expect(wait === 0n || BigInt(credit) + (wait - 1n) * refill < BigInt(wanted)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  test('wholeTokens, and one more after msUntilNext', () => {
    fc.assert(
      fc.property(quotas, anyCredit, (quota, some) => {
        const rule = bucketRule('any', quota)
        const credit = Math.min(creditIn(rule, some), rule.full - 1)
        const tokens = wholeTokens(rule, credit)
        expect(BigInt(tokens)).toBe(credit < 0 ? 0n : BigInt(credit) / BigInt(rule.perToken))
        expect(wholeTokens(rule, refilled(rule, credit, msUntilNext(rule, credit)))).toBeGreaterThan(tokens)
        expect(wholeTokens(rule, refilled(rule, credit, msUntilNext(rule, credit) - 1))).toBe(tokens)
      }),
      { numRuns: 2_000 },
    )
  })

  test('a full bucket has no next token', () => {
    const rule = bucketRule('user', { capacity: 3, refill: 2, perMs: 7 })
    expect(msUntilNext(rule, rule.full)).toBe(0)
  })
})
