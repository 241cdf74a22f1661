// Measures the cost of each part: `pnpm bench:micro`, or only of titles with a word, as in `pnpm bench:micro limiter`.
// More runs, as in `--runs 31`, are for a busy machine, where the compiler takes longer to finish.
import { parseArgs } from 'node:util'

import { handlerSubjects } from './micro/handler.ts'
import { limiterSubjects } from './micro/limiters.ts'
import { type Cost, measureAll } from './micro/measure.ts'
import { openMicroScene } from './micro/scene.ts'
import { stepSubjects } from './micro/steps.ts'
import { telemetrySubjects } from './micro/telemetry.ts'
import { tokenSubjects } from './micro/tokens.ts'
import { whole, withoutDashes } from './src/arguments.ts'
import { commandOf, runOf } from './src/part.ts'
import { plainText, type Table } from './src/tables.ts'
import { writePart } from './src/write-part.ts'

const given = process.argv.slice(2)
const { values, positionals: words } = parseArgs({
  args: [...withoutDashes(given)],
  allowNegative: true,
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '7' },
    write: { type: 'boolean', default: given.length === 0 },
  },
})
const effort = { runs: whole('runs', values.runs), cpuMsPerRun: 100 }
const tableOf = (costs: readonly Cost[]): Table => ({
  head: ['one call', 'CPU µs'],
  rows: costs.map(({ title, cpuMicros }) => [title, cpuMicros.toFixed(2)]),
})

const scene = await openMicroScene()
const groups = [
  { title: 'The handler', subjects: await handlerSubjects(scene) },
  { title: 'Its steps', subjects: stepSubjects(scene) },
  { title: 'Limiters', subjects: limiterSubjects(scene) },
  { title: 'Tokens', subjects: await tokenSubjects(scene) },
  { title: 'Telemetry', subjects: telemetrySubjects(scene) },
]
const measured: { title: string; costs: readonly Cost[] }[] = []
for (const { title, subjects } of groups) {
  const asked = subjects.filter((subject) => words.every((word) => subject.title.includes(word)))
  const costs = await measureAll(asked, effort)
  if (costs.length === 0) continue
  measured.push({ title, costs })
  process.stdout.write(`${plainText(tableOf(costs))}\n\n`)
}
if (values.write) {
  await writePart({
    name: 'micro',
    title: 'Each part by itself',
    words: `CPU of one call in a process that does nothing else, garbage collection included: the median of ${effort.runs} runs, each with enough
calls to take at least ${effort.cpuMsPerRun} ms.`,
    sections: measured.map(({ title, costs }) => ({ title, table: tableOf(costs) })),
    run: runOf(commandOf('bench:micro', given), new Date()),
    figures: measured,
  })
}
