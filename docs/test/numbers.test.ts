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
