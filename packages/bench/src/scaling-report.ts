import type { Section } from './part.ts'
import type { Comparison } from './race.ts'
import { busyEnough, type Row, summarize } from './summary.ts'
import { figure, percent, ratioText } from './tables.ts'

/** Several servers at several sizes of one thing, from the smallest on. */
export interface Growth {
  readonly title: string
  readonly words: string
  /** The quantity that grows. */
  readonly across: string
  readonly baseline: string
  readonly steps: readonly Step[]
}

interface Step {
  readonly size: number
  /** Its name in tables and plots. */
  readonly server: string
  readonly row: Row
}

/** The servers with different numbers of connections. */
export const connectionSteps = (comparisons: readonly Comparison[]): readonly Step[] =>
  comparisons.flatMap((comparison) =>
    summarize(comparison).map((row) => ({ size: comparison.work.connections, server: row.server, row })),
  )

/** One server with different numbers of callers. */
export const callerSteps = (comparison: Comparison, server: string): readonly Step[] =>
  summarize(comparison).map((row) => ({ size: Number(row.server), server, row }))

/** One table and two plots: the cost of a request, and the requests per second. */
export function growthSection({ title, words, across, baseline, steps }: Growth): Section {
  return {
    title,
    words,
    table: {
      head: [
        'server',
        across,
        'req/s',
        'CPU µs/req',
        `CPU × ${baseline}`,
        'p50 ms',
        'p99 ms',
        'resident MB',
        'peak MB',
        'busy',
        'client',
        'failures',
      ],
      rows: steps.map(({ size, server, row }) => [
        server,
        size.toLocaleString('en'),
        figure(row.requestsPerSecond) + (row.serverBusy < busyEnough ? '*' : ''),
        figure(row.cpuMicrosPerRequest),
        ratioText(row.cpuRatio),
        figure(row.p50Ms),
        figure(row.p99Ms),
        figure(row.residentBytes / 1_000_000),
        figure(row.peakBytes / 1_000_000),
        percent(row.serverBusy),
        percent(row.clientBusy),
        String(row.failures),
      ]),
    },
    lines: [
      { title: `${title}: CPU per request, µs`, across, series: seriesOf(steps, cpuOf) },
      { title: `${title}: requests/s`, across, series: seriesOf(steps, rateOf) },
    ],
  }
}

const cpuOf = ({ cpuMicrosPerRequest }: Row): number => cpuMicrosPerRequest
const rateOf = ({ requestsPerSecond }: Row): number => requestsPerSecond

const seriesOf = (
  steps: readonly Step[],
  value: (row: Row) => number,
): readonly { label: string; points: readonly { x: number; y: number }[] }[] =>
  [...new Set(steps.map(({ server }) => server))].map((label) => ({
    label,
    points: steps
      .filter(({ server }) => server === label)
      .map(({ size, row }) => ({ x: size, y: value(row) })),
  }))
