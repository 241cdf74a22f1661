import { escapeText, kindOf, svg } from './svg.ts'

/** One line, through its points from left to right. */
interface Series {
  readonly label: string
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

/** A chart with x on a logarithmic scale and y from zero. */
export interface LineChart {
  readonly title: string
  /** The title of the x axis. */
  readonly across: string
  readonly series: readonly Series[]
}

const width = 720
const height = 300
const left = 64
const right = 150
const top = 44
const bottom = 40
const labelHeight = 16

/** The chart as SVG. Every x is above zero. */
export function lineChart({ title, across, series }: LineChart): string {
  const points = series.flatMap((one) => one.points)
  const [least, most] = [Math.min(...points.map(({ x }) => x)), Math.max(...points.map(({ x }) => x))]
  const highest = roundUp(Math.max(...points.map(({ y }) => y)))
  const span = Math.log(most / least) || 1
  const xOf = (x: number): string => (left + (Math.log(x / least) / span) * (width - left - right)).toFixed(1)
  const yOf = (y: number): string => (height - bottom - (y / highest) * (height - top - bottom)).toFixed(1)

  const levels = [0, highest / 2, highest].map(
    (y) =>
      `<path d="M${left} ${yOf(y)}H${width - right}"/>` +
      `<text x="${left - 8}" y="${Number(yOf(y)) + 4}" text-anchor="end">${y.toLocaleString('en')}</text>`,
  )
  const marks = [...new Set(points.map(({ x }) => x))].map(
    (x) =>
      `<text x="${xOf(x)}" y="${height - bottom + 18}" text-anchor="middle">${x.toLocaleString('en')}</text>`,
  )
  const lines = series.map(({ label, points }) => {
    const way = points.map(({ x, y }) => `${xOf(x)},${yOf(y)}`).join(' ')
    return `<polyline class="line ${kindOf(label)}" points="${way}"/>`
  })
  const ends = series.map(({ label, points }) => ({ label, y: Number(yOf(points.at(-1)?.y ?? 0)) + 4 }))
  const labels = apart(ends).map(
    ({ label, y }) => `<text x="${width - right + 8}" y="${y.toFixed(1)}">${escapeText(label)}</text>`,
  )
  const foot = `<text x="${(left + width - right) / 2}" y="${height - 6}" text-anchor="middle">${escapeText(across)}</text>`
  return svg({ title, width, height, elements: [...levels, ...marks, ...lines, ...labels, foot] })
}

interface Label {
  readonly label: string
  readonly y: number
}

/** The labels from the top, without overlap. */
function apart(labels: readonly Label[]): readonly Label[] {
  let free = 0
  return labels
    .toSorted((one, other) => one.y - other.y)
    .map(({ label, y }) => {
      const place = Math.max(y, free)
      free = place + labelHeight
      return { label, y: place }
    })
}

/** Rounds up to one, two or five times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value || 1))
  return ([1, 2, 5].find((factor) => factor * power >= value) ?? 10) * power
}
