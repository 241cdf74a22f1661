import { describe, expect, test } from 'vitest'

import { requireOpen } from '../../src/steps/require-open.ts'
import { requireValid } from '../../src/steps/require-valid.ts'
import { refused } from './refused.ts'

test('requireOpen refuses exactly while the service drains', () => {
  expect(requireOpen(false)).toBeUndefined()
  expect(refused(() => requireOpen(true))).toEqual({ kind: 'unavailable' })
})

describe('requireValid', () => {
  const fault = (name: string) =>
    ({ fault: { part: 'tenant', in: 'header', name, rule: 'required', input: null } }) as const

  test('gives the values in their order', () => {
    expect(requireValid([{ value: 'id' }, { value: undefined }, { value: 3 }])).toEqual(['id', undefined, 3])
  })

  test('names every fault in the order of the parts', () => {
    const { fault: one } = fault('one')
    const { fault: two } = fault('two')
    expect(refused(() => requireValid([fault('one'), { value: 'x' }, fault('two')]))).toEqual({
      kind: 'invalid_request',
      fields: [one, two],
    })
  })
})
