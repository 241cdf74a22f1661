import type { AdmissionAsk } from '@sallyport/core'
import { describe, expect, test } from 'vitest'

import { readVerdict } from '../src/verdict.ts'

const quota = { capacity: 60, refill: 1, perMs: 1_000 }
const ask: AdmissionAsk = {
  partition: 'acme',
  quotas: [
    { name: 'user', key: ['acme', 'ada'], quota },
    { name: 'tenant', key: ['acme'], quota },
  ],
  slots: [{ name: 'downloads', key: ['acme', 'ada'], limit: 1, scope: 'fleet' }],
  cost: 1,
}
const left = [
  { name: 'user', tokens: 7, nextMs: 20 },
  { name: 'tenant', tokens: 9, nextMs: 0 },
]

describe('readVerdict', () => {
  test.each([
    { reply: [0, 0, 7, 20, 9, 0], verdict: { admitted: true, left } },
    { reply: ['0', '0', '7', '20', '9', '0'], verdict: { admitted: true, left } },
    { reply: [2, 350, 7, 20, 9, 0], verdict: { admitted: false, by: 'tenant', retryAfterMs: 350, left } },
    { reply: [3, 0, 7, 20, 9, 0], verdict: { admitted: false, by: 'downloads', retryAfterMs: 1_000, left } },
  ])('$reply', ({ reply, verdict }) => {
    expect(readVerdict(reply, ask)).toEqual(verdict)
  })

  test.each([
    { reply: undefined },
    { reply: null },
    { reply: 'OK' },
    { reply: [] },
    { reply: [0, 0, 7, 20] },
    { reply: [0, 0, 7, 20, 9, 0, 1] },
    { reply: [4, 0, 7, 20, 9, 0] },
    { reply: [-1, 0, 7, 20, 9, 0] },
    { reply: [0, 0, 7.5, 20, 9, 0] },
    { reply: [0, 0, 'x', 20, 9, 0] },
    { reply: { 0: '0', length: 6 } },
    { reply: [null, null, null, null, null, null] },
    { reply: ['', '', '', '', '', ''] },
    { reply: [' ', ' ', ' ', ' ', ' ', ' '] },
    { reply: [[], [], [], [], [], []] },
    { reply: [false, false, false, false, false, false] },
    { reply: [true, 0, 7, 20, 9, 0] },
    { reply: Array(6) },
    { reply: ['0', '0', '0x7', '20', '9', '0'] },
    { reply: ['0', '0', '7e0', '20', '9', '0'] },
    { reply: ['0', '0', '07', '20', '9', '0'] },
    { reply: ['0', '0', ' 7', '20', '9', '0'] },
    { reply: ['0', '0', '7', '20', '9', '-0'] },
    { reply: ['0', '0', '7', '20', '9', '9007199254740992'] },
    { reply: [0, 0, 61, 20, 9, 0] },
    { reply: [0, 5, 7, 20, 9, 0] },
    { reply: [1, 0, 0, 20, 9, 0] },
  ])('$reply is rejected', ({ reply }) => {
    expect(() => readVerdict(reply, ask)).toThrow('unexpected answer')
  })
})
