import { expect, test } from 'vitest'

import { pageOf } from '../src/page.ts'
import { commandOf, type Part, type PartName } from '../src/part.ts'

const partOf = (name: PartName, title: string): Part => ({
  name,
  title,
  words: `About ${title}.`,
  sections: [
    {
      title: '4 KiB',
      table: { head: ['server', 'req/s'], rows: [['bare', '1']] },
      bars: { title: 'CPU', bars: [{ label: 'bare', value: 1 }], line: 1 },
      lines: [
        {
          title: 'CPU µs by connections',
          across: 'connections',
          series: [
            {
              label: 'bare',
              points: [
                { x: 1, y: 1 },
                { x: 10, y: 2 },
              ],
            },
          ],
        },
      ],
    },
  ],
  run: { command: `pnpm bench:${name}`, date: '2025-06-02', node: '24.0.0', cpu: 'A CPU', cores: 2 },
  figures: {},
})

test('the page has its parts in its own order, whatever order they are found in', () => {
  const [page] = pageOf([partOf('micro', 'Micro'), partOf('s3', 'Objects')])
  expect(page?.name).toBe('performance.md')
  expect(page?.text.match(/^## .*$/gm)).toEqual(['## Objects', '## Micro'])
})

test('under each table stands how, when and where it was measured', () => {
  const [page] = pageOf([partOf('s3', 'Objects')])
  expect(page?.text).toContain('| bare | 1 |\n\n`pnpm bench:s3`, 2025-06-02: Node 24.0.0, A CPU, 2 cores.\n')
})

test('every plot that the page shows is a file of its own, named by part and title', () => {
  const files = pageOf([partOf('s3', 'Objects'), partOf('scaling', 'Scaling')])
  const [page, ...plots] = files
  const names = plots.map(({ name }) => name)
  expect(names).toEqual([
    'performance/s3-4-kib.svg',
    'performance/s3-cpu-us-by-connections.svg',
    'performance/scaling-4-kib.svg',
    'performance/scaling-cpu-us-by-connections.svg',
  ])
  expect([...(page?.text.matchAll(/\]\((performance\/[^)]+)\)/g) ?? [])].map(([, link]) => link)).toEqual(
    names,
  )
})

test('the command under a table is what was asked, without whether it is written', () => {
  expect(commandOf('bench:s3', ['--', '--rounds', '3', '--write'])).toBe('pnpm bench:s3 --rounds 3')
  expect(commandOf('bench', [])).toBe('pnpm bench')
})
