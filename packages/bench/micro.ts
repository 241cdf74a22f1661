// What each part costs by itself: `pnpm bench:micro`, or with words that a title must hold, as in `pnpm bench:micro limiter`.
import { handlerSubjects } from './micro/handler.ts'
import { limiterSubjects } from './micro/limiters.ts'
import { measureAll } from './micro/measure.ts'
import { openMicroScene } from './micro/scene.ts'
import { stepSubjects } from './micro/steps.ts'
import { tokenSubjects } from './micro/tokens.ts'
import { plainText } from './src/tables.ts'

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const scene = await openMicroScene()
const groups = [handlerSubjects(scene), stepSubjects(scene), limiterSubjects(scene), tokenSubjects(scene)]
for (const group of groups) {
  const asked = group.filter(({ title }) => words.every((word) => title.includes(word)))
  const costs = await measureAll(asked, { runs: 7, cpuMsPerRun: 100 })
  const rows = costs.map(({ title, cpuMicros }) => [title, cpuMicros.toFixed(2)])
  if (rows.length > 0) process.stdout.write(`${plainText({ head: ['one call', 'CPU µs'], rows })}\n\n`)
}
