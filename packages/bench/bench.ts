// Measures Sallyport beside a bare pipe, assembled peers and nginx. `pnpm bench` runs all of it.
import { readArguments, usage } from './src/arguments.ts'
import { compare } from './src/compare.ts'
import { commandOf, runOf } from './src/part.ts'
import { isInstalled } from './src/pinned.ts'
import type { Comparison } from './src/race.ts'
import { comparisonSection, serversWords } from './src/report.ts'
import { openScene } from './src/scene.ts'
import { plainText } from './src/tables.ts'
import { writePart } from './src/write-part.ts'

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
    print(`\n${work.title}\n${plainText(comparisonSection(comparison).table)}\n`)
  }
} finally {
  await scene.close()
}
if (write) {
  await writePart({
    name: 'servers',
    title: 'Servers side by side',
    words: serversWords(rounds),
    sections: comparisons.map(comparisonSection),
    run: runOf(commandOf('bench', process.argv.slice(2)), new Date()),
    figures: comparisons,
  })
}

function argumentsOrUsage(): ReturnType<typeof readArguments> {
  try {
    return readArguments(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`)
    process.exit(2)
  }
}
