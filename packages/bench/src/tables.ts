import type { Ratio } from './statistics.ts'
import type { Row } from './summary.ts'
import { busyEnough } from './summary.ts'

/** A table of text: a head, and rows with the same number of cells. */
export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** The figures of one case. Marks a rate that the server's core did not limit. */
export const comparisonTable = (rows: readonly Row[], baseline: string): Table => ({
  head: [
    'server',
    'req/s',
    `req/s × ${baseline}`,
    'MB/s',
    'CPU µs/req',
    'CPU s/GiB',
    `CPU × ${baseline}`,
    'p50 ms',
    'p99 ms',
    'peak MB',
    'busy',
    'client',
    'failures',
  ],
  rows: rows.map((row) => {
    const mark = row.serverBusy < busyEnough ? '*' : ''
    return [
      row.server,
      figure(row.requestsPerSecond) + mark,
      ratioText(row.rateRatio),
      figure(row.megabytesPerSecond) + mark,
      figure(row.cpuMicrosPerRequest),
      figure(row.cpuSecondsPerGibibyte),
      ratioText(row.cpuRatio),
      figure(row.p50Ms),
      figure(row.p99Ms),
      figure(row.peakBytes / 1_000_000),
      percent(row.serverBusy),
      percent(row.clientBusy),
      String(row.failures),
    ]
  }),
})

/** The median, with minimum and maximum in brackets. Empty if there is no value. */
export const ratioText = (ratio: Ratio | undefined): string =>
  ratio ? `${ratio.median.toFixed(2)} (${ratio.least.toFixed(2)}–${ratio.most.toFixed(2)})` : ''

/** Formats a number with three significant digits. */
export const figure = (value: number): string =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))

/** Formats a share as a percentage. */
export const percent = (share: number): string => `${Math.round(share * 100)} %`

/** Formats a table for a terminal. */
export function plainText({ head, rows }: Table): string {
  const lines = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => (cells[column] ?? '').length)))
  return lines
    .map((cells) =>
      cells
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  '),
    )
    .join('\n')
}

/** Formats a table as Markdown. */
export const markdown = ({ head, rows }: Table): string =>
  [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
