import { expect, test } from 'vitest'

import { median, percentile, ratio } from '../src/statistics.ts'

test('median: the middle of an odd number, the mean of two of an even one', () => {
  expect(median([9, 1, 5])).toBe(5)
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([7])).toBe(7)
  expect(median([])).toBeNaN()
})

test('percentile: by nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
  expect(percentile(hundred, 0.5)).toBe(50)
  expect(percentile(hundred, 0.99)).toBe(99)
  expect(percentile([3], 0.99)).toBe(3)
  expect(percentile([], 0.5)).toBeNaN()
})

test('ratio: round by round, and rounds without a partner are left out', () => {
  expect(ratio([2, 8, 9, 1], [1, 2, 9])).toEqual({ median: 2, least: 1, most: 4 })
})
