// Measures Sallyport beside a bare pipe, assembled peers and nginx. `pnpm bench` runs all of it.
import { mkdir, writeFile } from 'node:fs/promises'

import { readArguments, usage } from './src/arguments.ts'
import { compare, type Comparison } from './src/compare.ts'
import { isInstalled } from './src/pinned.ts'
import { reportOf } from './src/report.ts'
import { openScene } from './src/scene.ts'
import { summarize } from './src/summary.ts'
import { comparisonTable, plainText } from './src/tables.ts'

const print = (line: string): void => void process.stdout.write(`${line}\n`)

const { cases, servers, rounds, warmUpSeconds, write, profileFolder } = argumentsOrUsage()
if (!isInstalled('taskset', '--version')) throw new Error('taskset is needed: it gives each side its core')
const present = servers.filter((name) => name !== 'nginx' || isInstalled('nginx', '-v'))
if (present.length < servers.length) print('nginx is not installed, and left out')

const scene = await openScene()
const comparisons: Comparison[] = []
try {
  for (const work of cases) {
    const terms = {
      servers: present,
      rounds,
      warmUpSeconds,
      tell: print,
      ...(profileFolder !== undefined && { profileFolder }),
    }
    const comparison = await compare(work, scene, terms)
    comparisons.push(comparison)
    print(`\n${work.title}\n${plainText(comparisonTable(summarize(comparison)))}\n`)
  }
} finally {
  await scene.close()
}
if (write) await writeReport()

function argumentsOrUsage(): ReturnType<typeof readArguments> {
  try {
    return readArguments(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`)
    process.exit(2)
  }
}

async function writeReport(): Promise<void> {
  const docs = new URL('../../docs/', import.meta.url)
  await mkdir(new URL('performance/', docs), { recursive: true })
  for (const { name, text } of reportOf(comparisons, rounds)) await writeFile(new URL(name, docs), text)
  print('docs/performance.md and its plots are written')
}
