import { escapeText, kindOf, svg } from './svg.ts'

/** One bar: its label and its length. */
interface Bar {
  readonly label: string
  readonly value: number
}

/** Bars on one scale, from zero. */
export interface BarChart {
  readonly title: string
  readonly bars: readonly Bar[]
  /** A value that is shown as a line across all bars. */
  readonly line?: number
}

const width = 720
const rowHeight = 26
const labelWidth = 190
const valueWidth = 70
const top = 44

/** The chart as SVG. */
export function barChart({ title, bars, line }: BarChart): string {
  const most = Math.max(...bars.map(({ value }) => value), line ?? 0)
  const scale = (width - labelWidth - valueWidth) / (most || 1)
  const height = top + bars.length * rowHeight + 12
  const rows = bars.map(({ label, value }, index) => {
    const y = top + index * rowHeight
    const length = (value * scale).toFixed(1)
    return [
      `<text x="${labelWidth - 8}" y="${y + 15}" text-anchor="end">${escapeText(label)}</text>`,
      `<rect class="${kindOf(label)}" x="${labelWidth}" y="${y + 2}" width="${length}" height="18" rx="2"/>`,
      `<text x="${(labelWidth + Number(length) + 6).toFixed(1)}" y="${y + 15}">${value.toFixed(2)}</text>`,
    ].join('')
  })
  const at = line === undefined ? '' : (labelWidth + line * scale).toFixed(1)
  const mark = line === undefined ? [] : [`<path d="M${at} ${top - 6}V${height - 10}"/>`]
  return svg({ title, width, height, elements: [...rows, ...mark] })
}
