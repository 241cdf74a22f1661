import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One row of docs/options.md. */
export interface OptionRow {
  /** `delivery.firstByteMs`; in a table of several functions `createS3Store: bucket`. */
  readonly option: string
  /** The documented default, in code or words, or `required`. */
  readonly absent: string
}

const page = readFileSync(join(import.meta.dirname, '../docs/options.md'), 'utf8')

/** The rows of all tables in a section of docs/options.md. A row of several options is several rows. */
export function optionRows(heading: string): readonly OptionRow[] {
  const [, section = ''] = page.split(`\n## ${heading}\n`)
  const [text = ''] = section.split('\n## ')
  return [...text.matchAll(/(?:^\|.*\n)+/gm)].flatMap(([table]) => rowsOf(table))
}

function rowsOf(table: string): readonly OptionRow[] {
  const [head = [], , ...rows] = table.trimEnd().split('\n').map(cells)
  const column = head.findIndex((name) => name === 'default' || name === 'absent')
  return rows.flatMap(([names = '', ...others]) =>
    optionsOf(names).map((option) => ({ option, absent: others[column - 1] ?? '' })),
  )
}

/** A `|` inside a cell is written `\|`. */
const cells = (line: string): readonly string[] =>
  line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll(String.raw`\|`, '|'))

/** `` `createS3Store`: `client`, `bucket` `` → `createS3Store: client`, `createS3Store: bucket`. */
function optionsOf(cell: string): readonly string[] {
  const [names = '', owner] = cell.split(':').toReversed()
  const code = [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
  return owner === undefined ? code : code.map((name) => `${owner.replaceAll('`', '')}: ${name}`)
}
