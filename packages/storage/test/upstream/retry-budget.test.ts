import { describe, expect, test } from 'vitest'

import { createRetryBudget } from '../../src/upstream/retry-budget.ts'

describe('the retry budget', () => {
  test('is ten in ten seconds, or a tenth of the opens', () => {
    let now = 0
    const budget = createRetryBudget(() => now)
    const spendAll = (): number => {
      let spent = 0
      while (budget.spend()) spent += 1
      return spent
    }
    expect(spendAll()).toBe(10)
    for (let nth = 0; nth < 500; nth++) budget.opened()
    expect(spendAll()).toBe(40)
    now = 9_999
    expect(spendAll()).toBe(0)
    now = 10_000
    expect(spendAll()).toBe(10)
  })
})
