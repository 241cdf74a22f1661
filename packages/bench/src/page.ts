import { barChart } from './bar-chart.ts'
import { lineChart } from './line-chart.ts'
import { type Part, partNames, type Run, type Section } from './part.ts'
import { markdown } from './tables.ts'

/** A file of the report: a name below `docs/`, and its text. */
export interface ReportFile {
  readonly name: string
  readonly text: string
}

/** The page and its plots, with all measured parts. */
export function pageOf(parts: readonly Part[]): readonly ReportFile[] {
  const ordered = partNames.flatMap((name) => parts.filter((part) => part.name === name))
  return [
    { name: 'performance.md', text: [head, ...ordered.map(partText)].join('\n') },
    ...ordered.flatMap((part) => part.sections.flatMap((section) => plotsOf(part, section))),
  ]
}

const head = `# Performance

The command under each table measured it. With \`--write\` the command also writes this page again. The figures of the last runs
are in [packages/bench/results](../packages/bench/results).

What the time is spent on, according to profiles of these runs:

- **A small file**: mostly waiting. Opening and reading it run on threads of libuv's pool, and each needs two thread switches. Next come
  Node's HTTP code and the kernel's send, and last Sallyport's checks. A file that was read within 10 s
  is read again without a thread, so the tables of the examples, which repeat one file, show the warm case.
- **A large file**: the kernel copies it in and out, and each chunk needs a thread switch. nginx sends without copying (\`sendfile\`),
  which is cheaper than any way through a process.
- **A small object of S3**: by hand, the SDK's middleware, which resolves the endpoint and signs. The [S3 store](stores.md#how-the-store-sends)
  does both by itself; what is left is Node's HTTP code on both sides.
- **A refused request** (401, 403): about half of the CPU of a download from memory. It needs neither catalogue nor store.
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
