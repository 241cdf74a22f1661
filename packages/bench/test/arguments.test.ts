import { expect, test } from 'vitest'

import { readArguments } from '../src/arguments.ts'

test('without choices everything is measured and written', () => {
  const { cases, servers, rounds, write } = readArguments([])
  expect(cases.map(({ title }) => title)).toEqual([
    '4KiB, one user',
    '4KiB, 2000 users',
    '1MiB, one user',
    '256MiB, one user',
  ])
  expect(servers).toHaveLength(9)
  expect({ rounds, write }).toEqual({ rounds: 5, write: true })
})

test('a choice measures less, and leaves the page alone', () => {
  const { cases, servers, write } = readArguments([
    '--sizes',
    '4KiB',
    '--tokens',
    '1',
    '--servers',
    'bare,nginx',
  ])
  expect(cases).toHaveLength(1)
  expect(servers).toEqual(['bare', 'nginx'])
  expect(write).toBe(false)
})

test.each([
  [['--sizes', '5KiB'], '--sizes: 5KiB'],
  [['--servers', 'apache'], '--servers: apache'],
  [['--rounds', '0'], '--rounds: 0'],
  [['--tokens', 'many'], '--tokens: many'],
])('%j is refused by name', (given, message) => {
  expect(() => readArguments(given)).toThrow(message)
})
