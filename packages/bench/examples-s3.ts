// Measures the Koa example on S3 as it is shipped, beside a stack with equal duties: `pnpm bench:examples-s3`. The server has one
// core; the other core has the load generator and S3.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { type S3End, startCephEnd, startStubEnd } from './servers/s3-ends.ts'
import { whole, withoutDashes } from './src/arguments.ts'
import { examples, startExample } from './src/example-server.ts'
import { commandOf, runOf } from './src/part.ts'
import { clientCore, isInstalled, moveToCore } from './src/pinned.ts'
import { type Comparison, type Contender, race, type Work } from './src/race.ts'
import { comparisonSection, howCompared, listed } from './src/report.ts'
import { openScene, requestText } from './src/scene.ts'
import { startServer } from './src/start-server.ts'
import { plainText } from './src/tables.ts'
import { writePart } from './src/write-part.ts'

const print = (line: string): void => void process.stdout.write(`${line}\n`)

const given = process.argv.slice(2)
const { values } = parseArgs({
  args: [...withoutDashes(given)],
  allowNegative: true,
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    'warm-up': { type: 'string', default: '8' },
    write: { type: 'boolean', default: given.length === 0 },
  },
})
const [rounds, seconds] = [whole('rounds', values.rounds), whole('seconds', values.seconds)]
const warmUpSeconds = whole('warm-up', values['warm-up'])
if (!isInstalled('taskset', '--version')) throw new Error('taskset is needed: it gives each side its core')
moveToCore(clientCore)

const servers = {
  'by-hand': 'node:http, one `GetObject` of the AWS client and `pipeline`, no guard, no log',
  'example-koa': '`examples/koa-s3`, as its `start` script runs it, with its objects in S3',
  'koa-s3-stack': 'Koa, koa-jwt, koa-ratelimit, node:sqlite, pino, and one `GetObject` as the body',
} as const

const scene = await openScene()
const comparisons: Comparison[] = []
const measure = async (work: Work, end: S3End | undefined): Promise<void> => {
  if (!end) return print(`Ceph is not installed, and this left out: ${work.title}`)
  try {
    const contenders = await contendersOf(work, end)
    const terms = { baseline: 'by-hand', rounds, warmUpSeconds, behind: end.pids, tell: print }
    const comparison = await race(work, contenders, terms)
    comparisons.push(comparison)
    print(`\n${work.title}\n${plainText(comparisonSection(comparison).table)}\n`)
  } finally {
    await end.close()
  }
}
try {
  // Not 32: the handler lets one organization hold at most half of the client's 50 connections.
  const small = { title: '1 KiB, of an S3 that answers at once', bytes: 1_024, connections: 16, seconds }
  await measure(small, await startStubEnd(scene, small.bytes, false))
  const large = { title: '256 MiB, of Ceph', bytes: 268_435_456, connections: 4, seconds }
  await measure(large, await startCephEnd())
} finally {
  await scene.close()
}
if (values.write) {
  await writePart({
    name: 'examples-s3',
    title: 'The Koa example on S3',
    words: `${howCompared(rounds)}

${listed(servers)}

The duties are those of the table before: token, organization, scope, quota, SQLite catalogue and one log line. S3 runs on the load
generator's core, on the loopback, without TLS; the column \`client\` counts both.`,
    sections: comparisons.map(comparisonSection),
    run: runOf(commandOf('bench:examples-s3', given), new Date()),
    figures: comparisons,
  })
}

async function contendersOf({ bytes }: Work, end: S3End): Promise<readonly Contender[]> {
  const { settings, folder, catalogue } = scene
  const exportId = randomUUID()
  scene.addRow(exportId, bytes)
  await end.put(`${settings.organization}/${exportId}.csv`, bytes)
  const [token = ''] = await scene.tokens(1)
  const start = (name: string): Contender['start'] => {
    const duties = { catalogue, log: join(folder, `${name}.log`) }
    const environment = { BENCH_S3: JSON.stringify(end.settings), BENCH_DUTIES: JSON.stringify(duties) }
    return () => startServer(name, settings, folder, { environment })
  }
  const requests = [requestText(exportId, token)]
  return [
    { name: 'by-hand', requests, start: start('s3-by-hand') },
    {
      name: 'example-koa',
      requests: [requestText(exportId, token, examples['koa-s3'])],
      start: () => startExample('koa-s3', scene, end.settings),
    },
    { name: 'koa-s3-stack', requests, start: start('koa-s3-stack') },
  ]
}
