import { expect, test } from 'vitest'

import { readExampleArguments } from '../src/example-cases.ts'
import { readS3Arguments } from '../src/s3-cases.ts'
import { readScalingArguments } from '../src/scaling-cases.ts'

test('S3: without choices everything is measured and written', () => {
  const { cases, servers, write } = readS3Arguments([])
  expect(cases.map(({ end, bytes, method }) => `${method} ${bytes} ${end}`)).toEqual([
    'GET 1024 stub',
    'GET 1024 stub',
    'HEAD 1024 stub',
    'GET 1024 stub-tls',
    'HEAD 1024 stub-tls',
    'GET 1024 ceph',
    'GET 268435456 ceph',
    'GET 268435456 stub-tls',
  ])
  expect(servers).toEqual(['by-hand', 'sallyport-s3'])
  expect(write).toBe(true)
})

test('S3: a choice measures less', () => {
  const { cases, write } = readS3Arguments(['--', '--ends', 'stub', '--rounds', '1'])
  expect(new Set(cases.map(({ end }) => end))).toEqual(new Set(['stub']))
  expect(write).toBe(false)
})

test.each([
  [['--sizes', '4KiB'], '--sizes: 4KiB is none of 1KiB, 256MiB'],
  [['--ends', 'aws'], '--ends: aws'],
  [['--servers', 'bare'], '--servers: bare'],
])('S3: %j is refused by name', (given, message) => {
  expect(() => readS3Arguments(given)).toThrow(message)
})

test('scaling: connections stop where the system has no more descriptors', () => {
  expect(readScalingArguments([], 950)).toMatchObject({
    connections: [1, 10, 100, 950],
    callers: [100, 10_000, 1_000_000],
    write: true,
  })
})

test('scaling: a half can be left out, and numbers are sorted', () => {
  const { connections, callers } = readScalingArguments(['--connections', 'none', '--callers', '9,2'], 10)
  expect({ connections, callers }).toEqual({ connections: [], callers: [2, 9] })
})

test.each([
  [['--connections', '0'], '--connections: 0'],
  [['--callers', 'many'], '--callers: many'],
])('scaling: %j is refused by name', (given, message) => {
  expect(() => readScalingArguments(given, 10)).toThrow(message)
})

test('examples: without choices everything is measured and written', () => {
  const { cases, servers, rounds, write } = readExampleArguments([])
  expect(cases.map(({ title }) => title)).toEqual(['4KiB, one user', '1MiB, one user', '256MiB, one user'])
  expect(servers).toEqual(['bare', 'example-express', 'example-koa', 'express-stack', 'koa-stack'])
  expect({ rounds, write }).toEqual({ rounds: 3, write: true })
})

test.each([
  [['--sizes', '5KiB'], '--sizes: 5KiB'],
  [['--servers', 'nginx'], '--servers: nginx is none of bare, example-express'],
])('examples: %j is refused by name', (given, message) => {
  expect(() => readExampleArguments(given)).toThrow(message)
})
