// Measures the cost of a request with many connections, tenants and tokens: `pnpm bench:scaling`, or with other numbers, as in
// `pnpm bench:scaling --connections 1,100 --callers none`.
import { type Callers, everyExport, writeJwtCallers, writeOpaqueCallers } from './src/callers.ts'
import { compare } from './src/compare.ts'
import { mostDownloads } from './src/descriptors.ts'
import { commandOf, runOf } from './src/part.ts'
import { isInstalled } from './src/pinned.ts'
import { type Comparison, race } from './src/race.ts'
import { howCompared } from './src/report.ts'
import { readScalingArguments } from './src/scaling-cases.ts'
import { callerSteps, connectionSteps, type Growth, growthSection } from './src/scaling-report.ts'
import { openScene } from './src/scene.ts'
import { startServer } from './src/start-server.ts'
import { plainText } from './src/tables.ts'
import { writePart } from './src/write-part.ts'

const bytes = 4_096
const callerConnections = 32
/** With this number of callers all caches are full. */
const knownCallers = 150_000

const turns = `Each caller has a tenant and a token of its own, and quotas and slots are counted for both. They send requests in turn, on
${callerConnections} connections, and a round continues where the last one ended. Before the first round every server has answered as many
requests as there are callers in the last row, or ${knownCallers.toLocaleString('en')} where they are more: by then the caches are full,
with 10,000 tokens and 100,000 buckets. Tenants are found without a request.`
const callerWords = {
  'opaque tokens': `${turns}

The verifier of this measurement reads the caller from the token without a request, so the rest of the handler is measured.`,
  'access tokens': `As with opaque tokens, but each is verified. All are ES256 tokens of one key, because signing a million RS256 tokens would take too long.
A cached token is not verified again. Of a million tokens none is still cached when it is used again, so each request verifies one.`,
} as const

const print = (line: string): void => void process.stdout.write(`${line}\n`)
const tell = (growth: Growth): void => print(`\n${growth.title}\n${plainText(growthSection(growth).table)}\n`)

const given = process.argv.slice(2)
const { connections, callers, rounds, seconds, warmUpSeconds, write } = readScalingArguments(
  given,
  mostDownloads,
)
if (!isInstalled('taskset', '--version')) throw new Error('taskset is needed: it gives each side its core')

const scene = await openScene()
const { settings, folder } = scene
const growths: Growth[] = []
const figures: Comparison[] = []
try {
  if (connections.length > 0) await measureConnections()
  if (callers.length > 0) {
    await scene.addFile(bytes, 'written', everyExport)
    const most = Math.max(...callers)
    await measureCallers('opaque tokens', await writeOpaqueCallers(folder, most))
    print(`signing ${most.toLocaleString('en')} tokens`)
    await measureCallers('access tokens', await writeJwtCallers(settings, folder, most))
  }
} finally {
  await scene.close()
}
if (write) {
  await writePart({
    name: 'scaling',
    title: 'Many connections, many tenants',
    words: `Files of 4 KiB. ${howCompared(rounds)}`,
    sections: growths.map(growthSection),
    run: runOf(commandOf('bench:scaling', given), new Date()),
    figures,
  })
}

async function measureConnections(): Promise<void> {
  const comparisons: Comparison[] = []
  for (const count of connections) {
    const title = `${count.toLocaleString('en')} connections`
    const work = { title, bytes, tokens: 1, connections: count, seconds }
    const servers = ['bare', 'sallyport-node'] as const
    comparisons.push(await compare(work, scene, { servers, rounds, warmUpSeconds, tell: print }))
  }
  figures.push(...comparisons)
  const growth: Growth = {
    title: 'Connections',
    words:
      'All connections are open when a round begins, and each always has a request in progress. So with more connections a ' +
      'request waits longer. The server of this measurement has descriptors for ' +
      `${mostDownloads.toLocaleString('en')} concurrent downloads, with a socket and a file each.`,
    across: 'connections',
    baseline: 'bare',
    steps: connectionSteps(comparisons),
  }
  growths.push(growth)
  tell(growth)
}

async function measureCallers(kind: keyof typeof callerWords, made: Callers): Promise<void> {
  const contenders = callers.map((count) => ({
    name: String(count),
    requests: made.requests(count),
    warmUpRequests: Math.min(Math.max(...callers), knownCallers), // the same for all, because more requests lead to better compiled code
    start: () =>
      startServer('sallyport-callers', settings, folder, {
        environment: { BENCH_CALLERS: JSON.stringify(made.settings) },
      }),
  }))
  const baseline = String(Math.min(...callers))
  const work = { title: `tenants with ${kind}`, bytes, connections: callerConnections, seconds }
  const comparison = await race(work, contenders, { baseline, rounds, warmUpSeconds, tell: print })
  figures.push(comparison)
  const growth: Growth = {
    title: `Tenants with ${kind}`,
    words: callerWords[kind],
    across: 'tenants and tokens',
    baseline: `with ${Number(baseline).toLocaleString('en')}`,
    steps: callerSteps(comparison, 'sallyport-node'),
  }
  growths.push(growth)
  tell(growth)
}
