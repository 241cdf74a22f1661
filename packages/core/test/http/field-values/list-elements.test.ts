import { expect, test } from 'vitest'

import { listElements } from '../../../src/http/field-values.ts'

test.each([
  ['', []],
  [' , ,\t,', []],
  ['a', ['a']],
  [' a ,\tb c\t,,d', ['a', 'b c', 'd']],
  ['\u00a0a\n', ['\u00a0a\n']],
])('%j', (text, elements) => {
  expect(listElements(text)).toEqual(elements)
})

test('long runs of spaces cost no more than their length', () => {
  const started = performance.now()
  expect(listElements(`a${' '.repeat(1_000_000)}b`)).toHaveLength(1)
  expect(performance.now() - started).toBeLessThan(2_000)
})
