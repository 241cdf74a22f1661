// Measures Sallyport on S3 beside a `GetObject` piped by hand: `pnpm bench:s3`. The server has one core; the other core has the
// load generator and S3.
import { randomUUID } from 'node:crypto'

import { type S3End, startCephEnd, startStubEnd } from './servers/s3-ends.ts'
import { commandOf, runOf } from './src/part.ts'
import { clientCore, isInstalled, moveToCore } from './src/pinned.ts'
import { type Comparison, type Contender, race } from './src/race.ts'
import { comparisonSection, howCompared, listed } from './src/report.ts'
import { readS3Arguments, type S3Case, s3Ends, type S3ServerName, s3Servers } from './src/s3-cases.ts'
import { openScene, requestText, type Scene } from './src/scene.ts'
import { startServer } from './src/start-server.ts'
import { plainText } from './src/tables.ts'
import { writePart } from './src/write-part.ts'

const print = (line: string): void => void process.stdout.write(`${line}\n`)

const { cases, servers, rounds, warmUpSeconds, write } = readS3Arguments(process.argv.slice(2))
if (!isInstalled('taskset', '--version')) throw new Error('taskset is needed: it gives each side its core')
moveToCore(clientCore)

const files: Readonly<Record<S3ServerName, string>> = {
  'by-hand': 's3-by-hand',
  'sallyport-s3': 'sallyport-s3',
}
const scene = await openScene()
const comparisons: Comparison[] = []
try {
  for (const work of cases) {
    const end = await (work.end === 'ceph'
      ? startCephEnd()
      : startStubEnd(scene, work.bytes, work.end === 'stub-tls'))
    if (!end) {
      print(`Ceph is not installed, and this left out: ${work.title}`)
      continue
    }
    try {
      const comparison = await measure(work, end, scene)
      comparisons.push(comparison)
      print(`\n${work.title}\n${plainText(comparisonSection(comparison).table)}\n`)
    } finally {
      await end.close()
    }
  }
} finally {
  await scene.close()
}
if (write) {
  await writePart({
    name: 's3',
    title: 'Objects of S3',
    words: `${howCompared(rounds)}

${listed(s3Servers)}

S3 runs on the load generator's core, on the loopback; the column \`client\` counts both. It is one of these:

${listed(s3Ends)}

Ceph serves few small objects per second, which hides the differences between the servers. The stub does not.`,
    sections: comparisons.map(comparisonSection),
    run: runOf(commandOf('bench:s3', process.argv.slice(2)), new Date()),
    figures: comparisons,
  })
}

async function measure(work: S3Case, end: S3End, scene: Scene): Promise<Comparison> {
  const { settings, folder } = scene
  const [token = ''] = await scene.tokens(1)
  const requests: string[] = []
  for (let nth = 0; nth < work.objects; nth++) {
    const exportId = randomUUID()
    await end.put(`${settings.organization}/${exportId}.csv`, work.bytes)
    requests.push(requestText(exportId, token, '/exports', work.method))
  }
  const contenders: readonly Contender[] = servers.map((name) => ({
    name,
    requests,
    // On a busy machine the seconds alone do not suffice for the compiler.
    warmUpRequests: work.bytes < 1_048_576 ? 6_000 : 0,
    start: () =>
      startServer(files[name], settings, folder, {
        environment: {
          BENCH_S3: JSON.stringify(end.settings),
        },
      }),
  }))
  const terms = { baseline: 'by-hand', rounds, warmUpSeconds, behind: end.pids, tell: print }
  return race(work, contenders, terms)
}
