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

What decides them, by profiles of these runs:

- **A small file** costs by its waits. It is opened and read on threads of libuv's pool, each time with a change of threads there
  and back; then come Node's HTTP and the kernel's send, and only then the guard.
- **A large file** costs what the kernel takes to copy it in and out, and a change of threads for each chunk. nginx sends without
  copying (\`sendfile\`): no bytes that pass through a process are as cheap.
- **A small object of S3** costs what the SDK costs, which signs every request anew. Signed URLs spare that, on
  [conditions](stores.md#s3-by-signed-urls).
- **A refusal at the door** (401, 403) costs about half of what a download from memory does, and asks neither catalogue nor store.
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
