import { describe, expect, test } from 'vitest'

import type { Admission, AdmissionAsk, Quota } from '../../src/ports.ts'
import {
  addressAsk,
  admissionAsk,
  admissionFields,
  checkAdmission,
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
      quotas: [{ name: 'principal', key, quota }],
      slots: [{ name: 'principal-downloads', key, limit: 16 }],
      cost: 1,
    })
  })

  test('asks for all in one, each under a key of its own', () => {
    const concurrent = { perPrincipal: 4, perTenant: 50, total: 500 }
    const ask = admissionAsk(ann, acme, { perPrincipal: quota, perTenant: other, concurrent }, 3)
    expect(ask).toEqual({
      quotas: [
        { name: 'principal', key, quota },
        { name: 'tenant', key: ['t-acme', 'tenant'], quota: other },
      ],
      slots: [
        { name: 'principal-downloads', key, limit: 4 },
        { name: 'tenant-downloads', key: ['t-acme', 'tenant'], limit: 50 },
        { name: 'total-downloads', key: ['total'], limit: 500 },
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

test('addressAsk takes no place', () => {
  expect(addressAsk('192.0.2.1', quota, 0)).toEqual({
    quotas: [{ name: 'address', key: ['192.0.2.1', 'address'], quota }],
    slots: [],
    cost: 0,
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
    const admission: Admission = { admitted: true, left: [], release: () => undefined }
    expect(() => requireAdmitted({ asked, admission })).not.toThrow()
  })
})

describe('admissionFields', () => {
  const ask: AdmissionAsk = {
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
    expect(admissionFields(ask, { admitted: true, left, release: () => undefined }, false)).toEqual(fields)
  })

  test('are the same for the refused', () => {
    const admission: Admission = { admitted: false, left, by: 'tenant', retryAfterMs: 1 }
    expect(admissionFields(ask, admission, false)).toEqual(fields)
  })

  test('tell older clients of the quota that is nearest its end', () => {
    expect(admissionFields(ask, { admitted: true, left, release: () => undefined }, true)).toEqual({
      ...fields,
      'X-RateLimit-Limit': '5',
      'X-RateLimit-Remaining': '2',
      'X-RateLimit-Reset': '1',
    })
  })
})
