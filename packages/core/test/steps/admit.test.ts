import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { Admission, AdmissionAsk, ByteRange, Quota } from '../../src/ports.ts'
import {
  addressAsk,
  admissionAsk,
  admissionFields,
  checkAdmission,
  costOfPlan,
  restAsk,
  requireAdmitted,
} from '../../src/steps/admit.ts'
import { acme, ann } from './principals.ts'
import { refused } from './refused.ts'

const quota: Quota = { capacity: 60, refill: 1, perMs: 1_000 }
const other: Quota = { capacity: 10, refill: 1, perMs: 500 }
const key = ['t-acme', 'principal', 'https://issuer.test', 'ann']

describe('admissionAsk', () => {
  test('asks for the principal alone, where nothing else is limited', () => {
    expect(admissionAsk(ann, acme, { perPrincipal: quota, concurrent: { perPrincipal: 16 } }, 1)).toEqual({
      partition: 't-acme',
      quotas: [{ name: 'principal', key, quota }],
      slots: [{ name: 'principal-downloads', key, limit: 16, scope: 'fleet' }],
      cost: 1,
    })
  })

  test('asks for all in one, each under a key of its own', () => {
    const concurrent = { perPrincipal: 4, perTenant: 50, total: 500 }
    const ask = admissionAsk(ann, acme, { perPrincipal: quota, perTenant: other, concurrent }, 3)
    expect(ask).toEqual({
      partition: 't-acme',
      quotas: [
        { name: 'principal', key, quota },
        { name: 'tenant', key: ['t-acme', 'tenant'], quota: other },
      ],
      slots: [
        { name: 'principal-downloads', key, limit: 4, scope: 'fleet' },
        { name: 'tenant-downloads', key: ['t-acme', 'tenant'], limit: 50, scope: 'fleet' },
        { name: 'total-downloads', key: ['total'], limit: 500, scope: 'process' },
      ],
      cost: 3,
    })
  })

  test('a quota may depend on who asks, and for whom', () => {
    const rules = {
      perPrincipal: ({ subject }: typeof ann, { name }: typeof acme) => ({
        ...quota,
        capacity: subject.length * name.length,
      }),
      perTenant: ({ id }: typeof acme) => ({ ...quota, capacity: id.length }),
      concurrent: { perPrincipal: 1 },
    }
    expect(admissionAsk(ann, acme, rules, 1).quotas.map(({ quota: { capacity } }) => capacity)).toEqual([
      12, 6,
    ])
  })

  test('one subject of two issuers has two buckets', () => {
    const rules = { perPrincipal: quota, concurrent: { perPrincipal: 1 } }
    const [one, two] = [ann, { ...ann, issuer: 'https://other.test' }].map((who) =>
      admissionAsk(who, acme, rules, 1),
    )
    expect(one?.quotas[0]?.key).not.toEqual(two?.quotas[0]?.key)
    expect(one?.slots[0]?.key).not.toEqual(two?.slots[0]?.key)
  })
})

test('addressAsk takes one token of the address, or of the networks around it, and no slot', () => {
  expect(addressAsk('192.0.2.1', quota)).toEqual({
    partition: '192.0.2.1',
    quotas: [
      {
        name: 'address',
        key: ['192.0.2.1', 'address'],
        coarser: [
          ['192.0.2.0/24', 'address'],
          ['192.0.0.0/16', 'address'],
        ],
        quota,
      },
    ],
    slots: [],
    cost: 1,
  })
})

describe('the price of an answer', () => {
  const cost = { download: 10, range: 1, head: 2 }
  const priceOf = (ranges: readonly ByteRange[], size: number): number =>
    costOfPlan('GET', { status: 206, ranges }, size, cost)

  test.each([
    { title: 'the whole', plan: { status: 200, ranges: [{ first: 0, last: 99 }] }, price: 10 },
    { title: 'an empty export', plan: { status: 200, ranges: [] }, price: 10 },
    { title: 'a 304', plan: { status: 304, ranges: [] }, price: 2 },
    { title: 'one byte', plan: { status: 206, ranges: [{ first: 0, last: 0 }] }, price: 1 },
    { title: 'a tenth', plan: { status: 206, ranges: [{ first: 0, last: 9 }] }, price: 1 },
    { title: 'more than a tenth', plan: { status: 206, ranges: [{ first: 0, last: 10 }] }, price: 2 },
    { title: 'a half', plan: { status: 206, ranges: [{ first: 50, last: 99 }] }, price: 5 },
    { title: 'all but a byte', plan: { status: 206, ranges: [{ first: 1, last: 99 }] }, price: 10 },
  ])('of $title is $price', ({ plan, price }) => {
    expect(costOfPlan('GET', plan, 100, cost)).toBe(price)
  })

  test('of HEAD is its own, whatever GET would send', () => {
    expect(costOfPlan('HEAD', { status: 200, ranges: [{ first: 0, last: 99 }] }, 100, cost)).toBe(2)
  })

  test('of several ranges is at least that of one range for each, because each is opened', () => {
    const ranges = Array.from({ length: 8 }, (_, index) => ({ first: index * 100, last: index * 100 }))
    expect(priceOf(ranges, 1_000_000)).toBe(8)
  })

  test('is exact where the product is above 2^53', () => {
    const dear = { download: 1_000_000, range: 1, head: 1 }
    const size = 300_000_000_000
    const part = (last: number): number =>
      costOfPlan('GET', { status: 206, ranges: [{ first: 0, last }] }, size, dear)
    expect([part(size / 2 - 1), part(size / 2)]).toEqual([500_000, 500_001])
  })

  test('no way to split an export makes it cheaper than one download', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 1_000_000 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 }),
        (size, cuts) => {
          const starts = [...new Set([0, ...cuts.map((cut) => Math.floor(cut * (size - 1)))])].toSorted(
            (one, other) => one - other,
          )
          const prices = starts.map((first, index) =>
            priceOf([{ first, last: (starts[index + 1] ?? size) - 1 }], size),
          )
          expect(prices.reduce((sum, price) => sum + price, 0)).toBeGreaterThanOrEqual(cost.download)
        },
      ),
    )
  })

  test('that is still owed never exceeds what a quota holds', () => {
    const asked = admissionAsk(ann, acme, { perPrincipal: other, concurrent: { perPrincipal: 1 } }, 1)
    expect([restAsk(asked, 1).cost, restAsk(asked, 4).cost, restAsk(asked, 40).cost]).toEqual([0, 3, 9])
    expect(restAsk(asked, 4).slots).toEqual([])
  })
})

describe('checkAdmission', () => {
  test.each<unknown>([
    undefined,
    null,
    {},
    { admitted: true },
    { admitted: 1, left: [] },
    { admitted: 'no', left: [] },
    { admitted: true, left: [] },
    { admitted: true, left: [], release: () => undefined },
  ])('%j is no admission', (admission) => {
    expect(refused(() => checkAdmission(admission as Admission))).toMatchObject({
      kind: 'upstream_error',
      trouble: 'admission_malformed',
    })
  })

  test('gives back what is one', () => {
    const admission: Admission = { admitted: false, left: [], by: 'principal', retryAfterMs: 1 }
    expect(checkAdmission(admission)).toBe(admission)
  })
})

describe('requireAdmitted', () => {
  const asked = admissionAsk(ann, acme, { perPrincipal: quota, concurrent: { perPrincipal: 1 } }, 1)

  test.each([
    ['principal', 'rate_limited'],
    ['principal-downloads', 'too_many_downloads'],
    ['something of the limiter', 'rate_limited'],
  ])('refused by %s: %s', (by, kind) => {
    const admission: Admission = { admitted: false, left: [], by, retryAfterMs: 1_234 }
    expect(refused(() => requireAdmitted({ asked, admission }))).toEqual({ kind, retryAfterMs: 1_234 })
  })

  test('lets the admitted pass', () => {
    const admission: Admission = {
      admitted: true,
      left: [],
      release: () => undefined,
      refund: () => undefined,
    }
    expect(() => requireAdmitted({ asked, admission })).not.toThrow()
  })
})

describe('admissionFields', () => {
  const ask: AdmissionAsk = {
    partition: 't-acme',
    quotas: [
      { name: 'principal', key, quota },
      { name: 'tenant', key: ['t-acme', 'tenant'], quota: { capacity: 5, refill: 3, perMs: 1_000 } },
    ],
    slots: [],
    cost: 1,
  }
  const left = [
    { name: 'principal', tokens: 59, nextMs: 1_000 },
    { name: 'tenant', tokens: 2, nextMs: 1 },
  ]
  const fields = {
    'RateLimit-Policy': '"principal";q=60;w=60, "tenant";q=5;w=2',
    RateLimit: '"principal";r=59;t=1, "tenant";r=2;t=1',
  }

  test('tell the policy, what is left and when there is more', () => {
    expect(admissionFields(ask, { left }, false)).toEqual(fields)
  })

  test('are the same for the refused', () => {
    const admission: Admission = { admitted: false, left, by: 'tenant', retryAfterMs: 1 }
    expect(admissionFields(ask, admission, false)).toEqual(fields)
  })

  test('tell older clients of the quota that is nearest its end', () => {
    expect(admissionFields(ask, { left }, true)).toEqual({
      ...fields,
      'X-RateLimit-Limit': '5',
      'X-RateLimit-Remaining': '2',
      'X-RateLimit-Reset': '1',
    })
  })
})
