// Measures exports of many parts: `pnpm bench:parts`. Ceph behind a proxy that limits each connection, and a store that sends every
// request 20 ms late. The stores take turns.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { S3Client } from '@aws-sdk/client-s3'
import type { ExportStore } from '@sallyport/core'
import { createPartsStore, type Part } from '@sallyport/storage/parts'
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
const joined = 64
const many = 10_000

const given = process.argv.slice(2)
const { values } = parseArgs({
  args: [...withoutDashes(given)],
  allowNegative: true,
  options: {
    rounds: { type: 'string', default: '5' },
    rate: { type: 'string', default: '16' },
    write: { type: 'boolean', default: given.length === 0 },
  },
})
const rounds = whole('rounds', values.rounds)
const rate = whole('rate', values.rate)

const end = await startCephEnd()
if (!end) throw new Error('Ceph is needed, and not installed')
const proxy = await startFaultProxy(Number(new URL(end.settings.endpoint).port))
const { bucket, accessKeyId, secretAccessKey } = end.settings
const client = new S3Client({
  endpoint: `http://127.0.0.1:${proxy.port}`,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId, secretAccessKey },
})
const stored = createS3Store({ client, bucket })
const objects: ExportStore = {
  ...stored,
  get: async (...asked) => {
    await sleep(latencyMs)
    return stored.get(...asked)
  },
}
const { signal } = new AbortController()

/** Reads an export to its end. Returns milliseconds to the first byte and to the last. */
async function read(store: ExportStore, size: number): Promise<{ first: number; last: number }> {
  const begun = performance.now()
  const object = await store.get('export', {}, signal)
  let first = 0
  let bytes = 0
  for await (const chunk of object?.chunks ?? []) {
    if (bytes === 0) first = performance.now() - begun
    bytes += chunk.length
  }
  object?.close()
  if (bytes !== size) throw new Error(`${bytes} bytes instead of ${size}`)
  return { first, last: performance.now() - begun }
}

/** Milliseconds to the first byte. */
async function firstByte(store: ExportStore): Promise<number> {
  const begun = performance.now()
  const object = await store.get('export', {}, signal)
  for await (const _ of object?.chunks ?? []) break
  object?.close()
  return performance.now() - begun
}

/** A part with its validator. */
async function partAt(key: string): Promise<Part> {
  const info = await objects.head(key, signal)
  if (!info) throw new Error(`${key} is not there`)
  return { key, size: info.size, validator: info.validator }
}

/** An export whose list is in memory. */
const exportOf = (parts: readonly Part[]): ExportStore =>
  createPartsStore(objects, async () => Object.freeze(parts))

const speed: Record<string, { one: number[]; parts: number[] }> = {}
const firsts = { one: new Array<number>(), many: new Array<number>(), unfrozen: new Array<number>() }
const heap = { atTenth: 0, atEnd: 0 }
try {
  await end.put('whole', joined * mebibyte)
  for (let nth = 0; nth < joined; nth++) await end.put(`part-${String(nth).padStart(2, '0')}`, mebibyte)
  const single = exportOf([await partAt('whole')])
  const names = Array.from({ length: joined }, (_, nth) => `part-${String(nth).padStart(2, '0')}`)
  const parts = exportOf(await Promise.all(names.map(partAt)))
  for (const perSecond of [rate, 2 * rate, Infinity]) {
    const limit = Number.isFinite(perSecond) ? { bytesPerSecond: perSecond * mebibyte, catchUpMs: 20 } : {}
    proxy.setRule(() => limit)
    proxy.killAll() // connections from before have no limit
    const taken = { one: new Array<number>(), parts: new Array<number>() }
    for (let round = 0; round < rounds; round++) {
      taken.one.push((await read(single, joined * mebibyte)).last)
      taken.parts.push((await read(parts, joined * mebibyte)).last)
    }
    speed[Number.isFinite(perSecond) ? `${perSecond} MiB/s` : 'not limited'] = taken
  }

  // 10,000 parts are one small object, 10,000 times.
  const small = await partAt('part-00').then((part) => ({ ...part, last: 65_535 }))
  const alone = exportOf([small])
  const parsed = createPartsStore(objects, async () => Array.from({ length: many }, () => small))
  const list = exportOf(Array.from({ length: many }, () => small))
  for (let round = 0; round < 10 * rounds; round++) {
    firsts.one.push(await firstByte(alone))
    firsts.many.push(await firstByte(list))
    firsts.unfrozen.push(await firstByte(parsed))
  }

  const object = await list.get('export', {}, signal)
  let bytes = 0
  for await (const chunk of object?.chunks ?? []) {
    bytes += chunk.length
    if (heap.atTenth === 0 && bytes > 0.1 * many * 65_536) heap.atTenth = heapNow()
  }
  heap.atEnd = heapNow()
  object?.close()
} finally {
  client.destroy()
  await proxy.close()
  await end.close()
}

function heapNow(): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const speeds: Table = {
  head: ['each connection', 'one object, s', '64 parts, s', 'speed of 64 parts'],
  rows: Object.entries(speed).map(([name, { one, parts }]) => [
    name,
    figure(median(one) / 1_000),
    figure(median(parts) / 1_000),
    ratioText(ratio(one, parts)),
  ]),
}
const starts: Table = {
  head: ['export', 'first byte, ms', 'times one part', 'heap at 10 %, MB', 'heap at the end, MB'],
  rows: [
    ['1 part', figure(median(firsts.one)), '', '', ''],
    [
      '10,000 parts, list not frozen',
      figure(median(firsts.unfrozen)),
      ratioText(ratio(firsts.unfrozen, firsts.one)),
      '',
      '',
    ],
    [
      '10,000 parts',
      figure(median(firsts.many)),
      ratioText(ratio(firsts.many, firsts.one)),
      figure(heap.atTenth / 1_000_000),
      figure(heap.atEnd / 1_000_000),
    ],
  ],
}
process.stdout.write(`${plainText(speeds)}\n${plainText(starts)}\n`)
if (values.write) {
  await writePart({
    name: 'parts',
    title: 'Exports of many parts',
    words: `Ceph behind a proxy. Every request is sent ${latencyMs} ms late. The stores take turns, ${rounds} rounds. Figures are
medians. Ratios are computed per round (in brackets: lowest and highest). Up to four parts are opened ahead. If opening a part takes longer than the download
of four parts, the download waits for the store.`,
    sections: [
      { title: '64 MiB as one object, and as 64 parts', table: speeds },
      { title: 'The first byte, and the memory of 10,000 parts of 64 KiB', table: starts },
    ],
    run: runOf(commandOf('bench:parts', given), new Date()),
    figures: { speed, firsts, heap },
  })
}
