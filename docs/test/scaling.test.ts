import { expect, test } from 'vitest'

import { textOf } from './blocks.ts'

// The arithmetic of scaling.md, from the figures that its commands gave.

const text = textOf('docs/scaling.md')
const example = text.slice(text.indexOf('## 500 requests'))
const rowOf = (title: string): readonly string[] =>
  (example.split('\n').find((line) => line.startsWith(`| ${title} `)) ?? '')
    .split('|')
    .slice(2, -1)
    .map((cell) => cell.trim())
const whole = (value: number): string => value.toLocaleString('en')

const rate = 500
const sizes = [1e6, 1e9, 300e9]
const [clientBytes, machineBytes] = [12.5e6, 1.25e9]
const cpuSeconds = [0.94e-3, 0.44 / 1.073_741_824, (0.44 / 1.073_741_824) * 300]
const [admitSeconds, renewSeconds, renewEvery, headRoom] = [28e-6, 11e-6, 10, 0.5]

const machines = sizes.map((size) => Math.ceil((rate * size) / machineBytes))
const seconds = sizes.map((size) => size / clientBytes)
const open = seconds.map((each) => Math.round(rate * each))
const openEach = open.map((count, index) => Math.round(count / (machines[index] ?? NaN)))

test.each([
  ['machines, by bandwidth', machines.map(whole)],
  ['mean duration', seconds.map((each) => `${whole(each)} s`)],
  ['open downloads', open.map(whole)],
  ['on each machine: slots', openEach.map(whole)],
  ['descriptors', openEach.map((count) => whole(2 * count))],
  ['memory of the process, at most, beside its own', openEach.map((count) => `${count} MiB`)],
  ['memory of the kernel, at most', openEach.map((count) => `${4 * count} MiB`)],
  [
    'CPU, without TLS',
    cpuSeconds.map((each, index) => `${((rate * each) / (machines[index] ?? NaN)).toFixed(1)} cores`),
  ],
  [
    'all of them: Redis',
    open
      .map((count) => Math.ceil((rate * admitSeconds + (count / renewEvery) * renewSeconds) / headRoom))
      .map((shards) => `${shards} shard${shards === 1 ? '' : 's'}`),
  ],
])('500 requests per second: %s', (title, cells) => {
  expect(rowOf(title)).toEqual(cells)
})

test('shards for busy cores, ranges instead of wholes, and the slowest client', () => {
  const coresPerShard = (cpu: number): number => Math.floor(headRoom / (admitSeconds / cpu))
  expect([coresPerShard(0.12e-3), coresPerShard(0.94e-3)]).toEqual([2, 16])
  const rangeBytes = rate * 64 * 2 ** 20
  expect([
    (rangeBytes / 1e9).toFixed(0),
    Math.ceil(rangeBytes / machineBytes),
    (300e9 / rangeBytes).toFixed(1),
  ]).toEqual(['34', 27, '8.9'])
  expect([(300e9 / 86_400 / 1e6).toFixed(1), (3_600 * machineBytes) / 300e9]).toEqual(['3.5', 15])
})
