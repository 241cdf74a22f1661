// Measures the same downloads over TLS and over HTTP/2: `pnpm bench:transports`.
import { parseArgs } from 'node:util'

import { makeCertificate } from '../../scripts/servers/tls-front.ts'
import { whole, withoutDashes } from './src/arguments.ts'
import { commandOf, runOf } from './src/part.ts'
import { isInstalled } from './src/pinned.ts'
import { type Comparison, race, type Work } from './src/race.ts'
import { comparisonSection, howCompared, listed } from './src/report.ts'
import { openScene, requestText } from './src/scene.ts'
import { servers } from './src/servers.ts'
import { startServer } from './src/start-server.ts'
import { plainText } from './src/tables.ts'
import type { Transport, TransportSettings } from './src/transport.ts'
import { writePart } from './src/write-part.ts'

const print = (line: string): void => void process.stdout.write(`${line}\n`)

const given = process.argv.slice(2)
const { values } = parseArgs({
  args: [...withoutDashes(given)],
  allowNegative: true,
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    'warm-up': { type: 'string', default: '6' },
    write: { type: 'boolean', default: given.length === 0 },
  },
})
const [rounds, seconds] = [whole('rounds', values.rounds), whole('seconds', values.seconds)]
const warmUpSeconds = whole('warm-up', values['warm-up'])
if (!isInstalled('taskset', '--version')) throw new Error('taskset is needed: it gives each side its core')

const http1 = ['bare', 'sallyport-node', 'express-stack'] as const
const http2 = ['bare', 'sallyport-node'] as const
const small = { bytes: 4_096, connections: 32, seconds }
const large = { bytes: 268_435_456, connections: 4, seconds }
const cases = [
  { title: '4KiB over TLS', ...small, transport: 'https', names: http1 },
  { title: '256MiB over TLS', ...large, transport: 'https', names: http1 },
  { title: '4KiB over HTTP/2', ...small, transport: 'h2', names: http2 },
  { title: '256MiB over HTTP/2', ...large, transport: 'h2', names: http2 },
] as const

const scene = await openScene()
const comparisons: Comparison[] = []
try {
  for (const { names, ...work } of cases) {
    const comparison = await measure(work, names)
    comparisons.push(comparison)
    print(`\n${work.title}\n${plainText(comparisonSection(comparison).table)}\n`)
  }
} finally {
  await scene.close()
}
if (values.write) {
  await writePart({
    name: 'transports',
    title: 'TLS and HTTP/2',
    words: `${howCompared(rounds)}

${listed(Object.fromEntries(http1.map((name) => [name, servers[name]])))}

The client accepts the server's self-signed certificate. Connections are opened before a round, so no handshake is
measured. HTTP/2 has one request at a time on each connection. Express does not serve HTTP/2.`,
    sections: comparisons.map(comparisonSection),
    run: runOf(commandOf('bench:transports', given), new Date()),
    figures: comparisons,
  })
}

async function measure(
  { transport, ...work }: Work & Pick<(typeof cases)[number], 'transport'>,
  names: (typeof cases)[number]['names'],
): Promise<Comparison> {
  const { settings, folder } = scene
  const exportId = await scene.addFile(work.bytes, 'written')
  const [token = ''] = await scene.tokens(1)
  const environment = { BENCH_TRANSPORT: JSON.stringify(createTransport(transport)) }
  const contenders = names.map((name) => ({
    name,
    requests: [requestText(exportId, token)],
    start: () => startServer(name, settings, folder, { environment }),
  }))
  return race({ ...work, transport }, contenders, { baseline: 'bare', rounds, warmUpSeconds, tell: print })
}

/** Makes the settings of a server, over TLS with a self-signed certificate. */
function createTransport(transport: Transport): TransportSettings {
  const { key, cert } = transport === 'http' ? { key: '', cert: '' } : makeCertificate()
  return { transport, key, cert }
}
