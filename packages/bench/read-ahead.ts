// Measures what reading ahead gains if connections are slow: `pnpm bench:read-ahead`. Ceph behind a proxy that delays
// each first byte by 20 ms and limits the bytes per second of each connection.
import { parseArgs } from 'node:util'

import { S3Client } from '@aws-sdk/client-s3'
import type { ExportStore } from '@sallyport/core'
import { createReadAheadStore } from '@sallyport/storage/read-ahead'
import { createS3Store } from '@sallyport/storage/s3'

import { startFaultProxy } from '../../scripts/servers/fault-proxy.ts'
import { startCephEnd } from './servers/s3-ends.ts'
import { whole, withoutDashes } from './src/arguments.ts'
import { commandOf, runOf } from './src/part.ts'
import { median, ratio } from './src/statistics.ts'
import { figure, plainText, ratioText, type Table } from './src/tables.ts'
import { writePart } from './src/write-part.ts'

const mebibyte = 1_048_576
const latencyMs = 20
const key = 'export.csv'

const given = process.argv.slice(2)
const { values } = parseArgs({
  args: [...withoutDashes(given)],
  allowNegative: true,
  options: {
    rounds: { type: 'string', default: '3' },
    mebibytes: { type: 'string', default: '128' },
    rate: { type: 'string', default: '16' },
    write: { type: 'boolean', default: given.length === 0 },
  },
})
const rounds = whole('rounds', values.rounds)
const size = whole('mebibytes', values.mebibytes) * mebibyte
const rate = whole('rate', values.rate)

const end = await startCephEnd()
if (!end) throw new Error('Ceph is needed, and not installed')
const proxy = await startFaultProxy(Number(new URL(end.settings.endpoint).port), () => ({
  latencyMs,
  bytesPerSecond: rate * mebibyte,
  catchUpMs: 20, // an idle connection must not catch up for its idle time
}))
const { bucket, accessKeyId, secretAccessKey } = end.settings
const client = new S3Client({
  endpoint: `http://127.0.0.1:${proxy.port}`,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId, secretAccessKey },
})
const one = createS3Store({ client, bucket })
const stores = { 'one connection': one, 'read-ahead of 4': createReadAheadStore(one) }
const seconds: Record<string, number[]> = { 'one connection': [], 'read-ahead of 4': [] }
try {
  await end.put(key, size)
  for (let round = 0; round < rounds; round++) {
    for (const [name, store] of Object.entries(stores)) seconds[name]?.push(await secondsOf(store))
  }
} finally {
  client.destroy()
  await proxy.close()
  await end.close()
}

const table: Table = {
  head: ['store', 'seconds', 'MB/s', 'times as fast'],
  rows: Object.entries(seconds).map(([name, taken]) => [
    name,
    figure(median(taken)),
    figure(size / median(taken) / 1_000_000),
    ratioText(ratio(seconds['one connection'] ?? [], taken)),
  ]),
}
process.stdout.write(`${plainText(table)}\n`)
if (values.write) {
  await writePart({
    name: 'read-ahead',
    title: 'Reading ahead',
    words: `One download of ${size / mebibyte} MiB from Ceph behind a proxy: ${latencyMs} ms to the first byte, and ${rate} MiB per second for each
connection. The stores take turns, ${rounds} rounds. Figures are
medians. Ratios are computed per round (in brackets: lowest and highest). \`createReadAheadStore\` has its defaults: 4 parts of 8 MiB.`,
    sections: [{ title: 'Where one connection is slow', table }],
    run: runOf(commandOf('bench:read-ahead', given), new Date()),
    figures: seconds,
  })
}

async function secondsOf(store: ExportStore): Promise<number> {
  const begun = performance.now()
  const object = await store.get(key, {}, new AbortController().signal)
  if (!object) throw new Error('the object is not there')
  let bytes = 0
  for await (const chunk of object.chunks) bytes += chunk.length
  object.close()
  if (bytes !== size) throw new Error(`${bytes} bytes instead of ${size}`)
  return (performance.now() - begun) / 1_000
}
