import { availableParallelism, cpus } from 'node:os'

import { barChart } from './bar-chart.ts'
import type { Comparison } from './compare.ts'
import { servers } from './servers.ts'
import { busyEnough, summarize } from './summary.ts'
import { comparisonTable, markdown } from './tables.ts'

/** A file of the report: a name below `docs/`, and its text. */
export interface ReportFile {
  readonly name: string
  readonly text: string
}

/** The page and its plots. */
export function reportOf(comparisons: readonly Comparison[], rounds: number): readonly ReportFile[] {
  const plots = comparisons.map((comparison) => ({
    name: `performance/${plotName(comparison)}`,
    text: barChart({
      title: `CPU per request by that of the bare pipe: ${comparison.work.title}`,
      bars: summarize(comparison).map(({ server, toBare }) => ({
        label: server,
        value: toBare?.median ?? 0,
      })),
      line: 1,
    }),
  }))
  return [{ name: 'performance.md', text: page(comparisons, rounds) }, ...plots]
}

const plotName = ({ work }: Comparison): string =>
  `${work.title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.svg`

const page = (comparisons: readonly Comparison[], rounds: number): string => `# Performance

\`pnpm bench\` measures every figure on this page and writes it. \`pnpm bench:micro\` measures each part by itself,
\`pnpm bench:memory\` what many downloads hold.

Each server is one process on one core, the load generator another on another core. The servers take turns, ${rounds} rounds
each; a figure is the median of its rounds, and a ratio is taken round by round (in brackets: least and most). CPU is
what the operating system counts for the process, its threads and its children. Every answer is checked for status
and length; anything else is a failure. Machine: ${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} cores, Node ${process.versions.node}.

A rate with a * was not limited by the server: its core was less than ${busyEnough * 100} % busy. Its CPU figures still hold.

${Object.entries(servers)
  .map(([name, parts]) => `- \`${name}\`: ${parts}`)
  .join('\n')}

The Sallyport servers check everything at every request: an RS256 token, the organization, the version, the capability,
a quota and a place, and tell every event. The peers verify the token, compare the organization and the scope, count a
quota and send the same kind of header fields. The bare server and nginx check nothing.

${comparisons.map(section).join('\n')}`

const section = (comparison: Comparison): string => `## ${comparison.work.title}

![CPU per request](performance/${plotName(comparison)})

${markdown(comparisonTable(summarize(comparison)))}
`
