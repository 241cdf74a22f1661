// Measures the memory of many downloads: `pnpm bench:memory`, or with other numbers, as in `pnpm bench:memory --stalled 1000`.
import { parseArgs } from 'node:util'

import { whole, withoutDashes } from './src/arguments.ts'
import { mostDownloads } from './src/descriptors.ts'
import { measureLongDelivery } from './src/long-delivery.ts'
import { longSection, memoryWords, movingSection, stalledSection } from './src/memory-report.ts'
import { measureMoving, measureStalled } from './src/memory.ts'
import { commandOf, runOf, type Section } from './src/part.ts'
import { openScene } from './src/scene.ts'
import { isServerName } from './src/servers.ts'
import { plainText } from './src/tables.ts'
import { writePart } from './src/write-part.ts'

const given = process.argv.slice(2)
const { values } = parseArgs({
  args: [...withoutDashes(given)],
  allowNegative: true,
  options: {
    server: { type: 'string', default: 'sallyport-node' },
    stalled: { type: 'string', default: '10000' },
    moving: { type: 'string', default: '2000' },
    chunks: { type: 'string', default: '3000000' },
    write: { type: 'boolean', default: given.length === 0 },
  },
})
const { server } = values
if (!isServerName(server)) throw new TypeError(`--server: ${server} is none of ours`)
const asked = { stalled: whole('stalled', values.stalled), moving: whole('moving', values.moving) }
const chunks = whole('chunks', values.chunks)

const sections: Section[] = []
const tell = (section: Section): void => {
  sections.push(section)
  process.stdout.write(`${section.title}\n${plainText(section.table)}\n\n`)
}

const collect = globalThis.gc
if (!collect) throw new Error('memory.ts is run with --expose-gc')
const long = await measureLongDelivery(chunks, collect)
tell(longSection(long))

const scene = await openScene()
try {
  const stalled = await measureStalled(server, Math.min(asked.stalled, mostDownloads), scene)
  tell(stalledSection(stalled, asked.stalled))
  const moving = await measureMoving(server, Math.min(asked.moving, mostDownloads), 8_388_608, scene)
  tell(movingSection(moving))
  if (values.write) {
    await writePart({
      name: 'memory',
      title: 'Memory',
      words: memoryWords(server),
      sections,
      run: runOf(commandOf('bench:memory', given), new Date()),
      figures: { long, stalled, moving },
    })
  }
} finally {
  await scene.close()
}
