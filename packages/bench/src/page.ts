import { barChart } from './bar-chart.ts'
import { lineChart } from './line-chart.ts'
import { type Part, partNames, type Run, type Section } from './part.ts'
import { markdown } from './tables.ts'

/** A file of the report: a name below `docs/`, and its text. */
export interface ReportFile {
  readonly name: string
  readonly text: string
}

/** The page and its plots, of all parts that there are. */
export function pageOf(parts: readonly Part[]): readonly ReportFile[] {
  const ordered = partNames.flatMap((name) => parts.filter((part) => part.name === name))
  return [
    { name: 'performance.md', text: [head, ...ordered.map(partText)].join('\n') },
    ...ordered.flatMap((part) => part.sections.flatMap((section) => plotsOf(part, section))),
  ]
}

const head = `# Performance

Each part of this page was measured by the command under its tables, which writes it anew where \`--write\` is added. The
figures of the last runs lie in [packages/bench/results](../packages/bench/results).
`

const partText = (part: Part): string => `## ${part.title}

${part.words}

${part.sections.map((section) => sectionText(part, section)).join('\n')}`

const sectionText = (part: Part, section: Section): string =>
  [
    `### ${section.title}`,
    ...(section.words === undefined ? [] : [section.words]),
    ...plotsOf(part, section).map(({ name, title }) => `![${title}](${name})`),
    markdown(section.table),
    `${runText(part.run)}\n`,
  ].join('\n\n')

const runText = ({ command, date, node, cpu, cores }: Run): string =>
  `\`${command}\`, ${date}: Node ${node}, ${cpu}, ${cores} cores.`

interface Plot extends ReportFile {
  readonly title: string
}

function plotsOf({ name: part }: Part, { title, bars, lines = [] }: Section): readonly Plot[] {
  const name = (text: string): string => `performance/${part}-${slugOf(text)}.svg`
  return [
    ...(bars ? [{ name: name(title), title: bars.title, text: barChart(bars) }] : []),
    ...lines.map((chart) => ({ name: name(chart.title), title: chart.title, text: lineChart(chart) })),
  ]
}

const slugOf = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll('µ', 'u')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
