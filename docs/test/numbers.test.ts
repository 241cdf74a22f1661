import { createMemoryLimiter } from '@sallyport/core'
import { describe, expect, test } from 'vitest'

import { textOf } from './blocks.ts'

// The arithmetic of limits.md.

const exportBytes = 300e9
const requestsOf = (rangeBytes: number): number => Math.ceil(exportBytes / rangeBytes)
const secondsOf = (
  rangeBytes: number,
  { capacity, perSecond, price }: { capacity: number; perSecond: number; price: number },
): number => (requestsOf(rangeBytes) * price - capacity) / perSecond

const parts = { small: 8 * 2 ** 20, large: 64 * 2 ** 20 }
const usual = { capacity: 60, perSecond: 1, price: 1 }
const forParts = { capacity: 600, perSecond: 10, price: 1 }

describe('300 GB in parts', () => {
  const text = textOf('docs/limits.md')

  test('the number of requests', () => {
    expect(text).toContain(`${requestsOf(parts.small).toLocaleString('en')} requests`)
  })

  test.each([
    { row: 'the defaults', terms: usual, small: ['9.9 h', 3_600], large: ['74 min', 60] },
    { row: 'capacity 600', terms: forParts, small: ['59 min', 60], large: ['6.5 min', 60] },
  ] as const)('$row', ({ row, terms, small, large }) => {
    for (const [bytes, [told, unit]] of [
      [parts.small, small],
      [parts.large, large],
    ] as const) {
      const [number = '', name = ''] = told.split(' ')
      const digits = number.includes('.') ? 1 : 0
      expect(`${(secondsOf(bytes, terms) / unit).toFixed(digits)} ${name}`).toBe(told)
      expect(text).toMatch(new RegExp(`\\| ${row}.*\\| ${told}`))
    }
  })
})

test('the wait after 300 GB from a budget of 50 GB', async () => {
  const limiter = createMemoryLimiter({ now: () => 0 })
  const quota = { capacity: 50e9, refill: 10_000_000, perMs: 1_000 }
  const ask = {
    partition: 'acme',
    quotas: [{ name: 'principal-bytes', key: ['ann'], quota }],
    slots: [],
    cost: exportBytes,
    allowDebt: true,
  }
  const { signal } = new AbortController()
  expect(await limiter.admit(ask, signal)).toMatchObject({ admitted: true })
  const refused = await limiter.admit(ask, signal)
  const seconds = Math.ceil(('retryAfterMs' in refused ? refused.retryAfterMs : 0) / 1_000)
  const text = textOf('docs/limits.md')
  expect(text).toContain(`the next download is admitted\n  ${seconds.toLocaleString('en')} s later`)
  expect(text).toContain(`"principal-bytes";r=0;t=${seconds}`)
  expect(text).toContain(`64 KiB per second are at most ${((86_400 * 65_536) / 1e9).toFixed(1)} GB`)
})
