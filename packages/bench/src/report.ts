import type { Section } from './part.ts'
import type { Comparison } from './race.ts'
import { servers } from './servers.ts'
import { busyEnough, summarize } from './summary.ts'
import { comparisonTable } from './tables.ts'

/** Describes how a comparison is measured, for all parts with one. */
export const howCompared = (rounds: number): string => `\
Each server is one process on one core, the load generator another on another core. The servers take turns, ${rounds} rounds
each. Figures are medians of the rounds. Ratios are computed per round (in brackets: lowest and highest). CPU is
what the operating system counts for the process, its threads and its children. Every answer is checked for status
and length; anything else is a failure. Every Node server, also the bare one, runs with
\`UV_THREADPOOL_SIZE=64\`, as [operations.md](operations.md) advises, and otherwise with Node's defaults.

A rate with a * was not limited by the server: its core was less than ${busyEnough * 100} % busy. Its CPU figures are still valid.`

/** A list of servers and their components. */
export const listed = (parts: Readonly<Record<string, string>>): string =>
  Object.entries(parts)
    .map(([name, text]) => `- \`${name}\`: ${text}`)
    .join('\n')

/** Of the part that `pnpm bench` writes. */
export const serversWords = (rounds: number): string => `${howCompared(rounds)}

${listed(servers)}

The Sallyport servers check everything at every request: an RS256 token, the organization, the version, the capability,
a quota and a slot, and report every event. The peers verify the token, compare the organization and the scope, count a
quota and send the same kind of header fields. The bare server and nginx check nothing.`

/** A comparison with its bars. */
export function comparisonSection(comparison: Comparison): Section {
  const rows = summarize(comparison)
  const { work, baseline } = comparison
  return {
    title: work.title,
    table: comparisonTable(rows, baseline),
    bars: {
      title: `CPU per request by that of ${baseline}: ${work.title}`,
      bars: rows.map(({ server, cpuRatio }) => ({ label: server, value: cpuRatio?.median ?? 0 })),
      line: 1,
    },
  }
}
