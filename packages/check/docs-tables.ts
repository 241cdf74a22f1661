import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { checks } from './src/checks/checks.ts'

/** The page with the tables. */
const page: string = join(import.meta.dirname, '../../docs/check.md')

/** A table in Markdown with padded columns, as the formatter wants it. */
export function formatMarkdownTable(rows: readonly (readonly string[])[]): string {
  const [head = []] = rows
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [line(head), rule, ...rows.slice(1).map(line)].join('\n')
}

/** Every check: its rule, where it is written, and what a client does if it is broken. */
export const checksTable = (): string =>
  formatMarkdownTable([
    ['check', 'rule', 'written in', 'what a client does if it is broken'],
    ...checks.map(({ id, title, reference, consequence, isOurs }) => [
      `\`${id}\`${isOurs ? ' \\*' : ''}`,
      title,
      reference,
      consequence,
    ]),
  ])

const between = (name: string): RegExp => new RegExp(`(<!-- ${name} -->\n\n)[^]*?(\n\n<!-- /${name} -->)`)

/** The text between the marks of a table on the page. */
export const textOf = (name: string): string =>
  between(name).exec(readFileSync(page, 'utf8'))?.[0].split('\n').slice(2, -2).join('\n') ?? ''

/** Replaces the text between the marks. */
export function write(name: string, text: string): void {
  const old = readFileSync(page, 'utf8')
  writeFileSync(
    page,
    old.replace(between(name), (_, before: string, after: string) => before + text + after),
  )
}
