import { readFile } from 'node:fs/promises'

import { expect, test } from 'vitest'

import { cannot } from './servers/runtimes.ts'
import { tableOf } from './servers/table.ts'

const withoutPadding = (table: string): string =>
  table.replaceAll(/ {2,}/g, ' ').replaceAll(/-{3,}/g, '---').trim()

test('docs/mounting.md has what runtimes.long.test.ts tests', async () => {
  const page = await readFile(new URL('../../../docs/mounting.md', import.meta.url), 'utf8')
  const [, table = ''] = /<!-- runtimes -->\n(.*)<!-- end of runtimes -->/s.exec(page) ?? []
  expect(withoutPadding(table)).toBe(withoutPadding(tableOf(cannot)))
})
