import { globSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import { root, textOf } from './blocks.ts'

// Error messages link to options.md#<function>: every function that checks options has its section there.

const page = textOf('docs/options.md')
const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading = '']) => heading)
const callers = globSync('packages/*/src/**/*.ts', { cwd: root }).flatMap((file) =>
  [
    ...textOf(file).matchAll(
      /(?:checkOptions|checkHandler|checkTicketHandler|checkCall|wrongOptions)\(\s*'(\w+)'/g,
    ),
  ].map(([, name = '']) => name),
)

/** The second argument of two functions whose first has sections of its own. */
const ofFetch = 'The Fetch API'

test('every function that checks its options has a section, and every other section is of an adapter', () => {
  expect(headings.toSorted()).toEqual([...new Set([...callers, ofFetch])].toSorted())
})

describe('the tables', () => {
  const tables = page.match(/(?:^\|.*\|\n)+/gm) ?? []

  test('have the same columns', () => {
    const columns = new Set(tables.map((table) => table.split('\n')[0]?.replaceAll(/ +/g, ' ')))
    expect([...columns]).toEqual(['| option | type | default | what it does | when to change it |'])
  })

  test('name an option, its type and its default in every row', () => {
    const rows = tables.flatMap((table) => table.trimEnd().split('\n').slice(2))
    const incomplete = rows.filter((row) => !/^\| `[\w.*]+` +\| `.+` +\| \S/.test(row))
    expect(rows.length).toBeGreaterThan(60)
    expect(incomplete).toEqual([])
  })
})
