import { expect, test } from 'vitest'

import { inBatches, renewal } from '../src/renewal.ts'
import type { Lease } from '../src/renewal.ts'

const lease = (id: string, tag: string, ...keys: string[]): Lease => ({ id, tag, keys })

test('each slot occurs once, with the leases to renew and to drop', () => {
  const renewed = [lease('a', 't', 'ada', 'acme'), lease('b', 't', 'bob', 'acme')]
  expect(renewal(30_000, renewed, [lease('c', 't', 'ada', 'acme')])).toEqual({
    keys: ['ada', 'acme', 'bob'],
    args: ['30000', '1', '1', 'a', 'c', '2', '1', 'a', 'b', 'c', '1', '0', 'b'],
  })
})

test('a batch has one hash tag and a bounded size', () => {
  const leases = ['1', '2', '3', '4', '5'].flatMap((id) => [
    lease(`a${id}`, 'a', 'x'),
    lease(`b${id}`, 'b', 'y'),
  ])
  const ids = inBatches(leases, 2).map((batch) => batch.map(({ id }) => id))
  expect(ids).toEqual([['a1', 'a2'], ['b1', 'b2'], ['a3', 'a4'], ['b3', 'b4'], ['a5'], ['b5']])
})
