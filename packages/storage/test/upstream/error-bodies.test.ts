import { Readable } from 'node:stream'

import { BlobServiceClient } from '@azure/storage-blob'
import type { ExportStore } from '@sallyport/core'
import { positionCoded } from '@sallyport/core/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import {
  type CannedAnswer,
  type CannedStore,
  endless,
  type EndlessAnswer,
  object,
  startCannedStore,
} from '../../../../scripts/servers/canned-store.ts'
import { createAzureBlobStore } from '../../src/azure-blob.ts'
import { ErrorBodyCut, readErrorStream } from '../../src/upstream/error-body.ts'
import { endOf, kindOf, reading } from '../reading.ts'
import { BUCKET, LEARNING, s3Client, ways } from '../s3/scene.ts'

const MIB = 1_048_576
const signal = new AbortController().signal
const bytes = positionCoded(100_000)

const endlessAnswers = {
  301: endless(301, { location: '/elsewhere' }),
  400: endless(400),
  403: endless(403),
  404: endless(404, { 'x-ms-error-code': 'BlobNotFound' }),
  500: endless(500),
  503: endless(503, { 'content-encoding': 'gzip' }),
} satisfies Record<number, EndlessAnswer>
const REDIRECTS = [300, 301, 302, 303, 307, 308]
const dripping = endless(500, {}, Buffer.from('x'), 50)

/** Entities that would expand to a thousand million letters, in an answer of 2 KiB. */
const expanding = (status: number): CannedAnswer => {
  const entities = Array.from({ length: 8 }, (_, nth) => {
    const text = nth === 0 ? 'x'.repeat(100) : `&e${nth - 1};`.repeat(10)
    return `<!ENTITY e${nth} "${text}">`
  })
  const headers = { 'content-type': 'application/xml' }
  return { status, headers, body: `<!DOCTYPE e [${entities.join('')}]><Error><Code>&e7;</Code></Error>` }
}

let server: CannedStore
beforeAll(async () => {
  const statuses = Object.entries(endlessAnswers)
  const named = statuses.map(([status, answer]): [string, CannedAnswer] => [`endless-${status}`, answer])
  const headers = { location: 'other', 'content-length': 0 }
  const redirects = REDIRECTS.map((status): [string, CannedAnswer] => [
    `redirect-${status}`,
    { status, headers },
  ])
  server = await startCannedStore({
    ...Object.fromEntries([...named, ...redirects]),
    dripping,
    'expanding-403': expanding(403),
    'expanding-500': expanding(500),
    other: object(bytes, { etag: '"other"' }),
    good: object(bytes),
    [LEARNING]: object(bytes),
  })
})
afterAll(() => server.close())

const s3 = (create: (typeof ways)[number][1]) => (): ExportStore => {
  const keys = { accessKeyId: 'AKONE', secretAccessKey: 'x' }
  return create({ client: s3Client({ port: server.port, keys }), bucket: BUCKET })
}
const azure = (): ExportStore => {
  const key = Buffer.alloc(32, 1).toString('base64')
  const endpoint = `http://127.0.0.1:${server.port}/account`
  const connection = `DefaultEndpointsProtocol=http;AccountName=account;AccountKey=${key};BlobEndpoint=${endpoint};`
  const retryOptions = { maxTries: 2, retryDelayInMs: 50, maxRetryDelayInMs: 500 }
  const service = BlobServiceClient.fromConnectionString(connection, { retryOptions })
  return createAzureBlobStore({ container: service.getContainerClient('container') })
}
const stores = [
  ...ways.map(([way, create]) => [`S3, ${way}`, s3(create)] as const),
  ['Azure', azure],
] as const

test('at most 64 KiB are read', async () => {
  const most = Buffer.alloc(65_536, 'x')
  expect(await readErrorStream(Readable.from([most]), 500)).toEqual(most)
  const longer = Readable.from([most, Buffer.from('x')])
  expect(await readErrorStream(longer, 500).catch((error: unknown) => error)).toBeInstanceOf(ErrorBodyCut)
  expect(longer.destroyed).toBe(true)
})

describe.each(stores)('%s', (_, open) => {
  test.each([
    [301, 'upstream_error'],
    [400, 'upstream_error'],
    [403, 'upstream_error'],
    [404, 'upstream_error'],
    [500, 'unavailable'],
    [503, 'unavailable'],
  ] as const)('cuts a %d whose body never ends', async (status, kind) => {
    const { written, running } = endlessAnswers[status]
    const before = written()
    expect(await open().get(`endless-${status}`, {}, signal).catch(kindOf)).toBe(kind)
    await expect.poll(running).toBe(0)
    // What the kernel holds of two attempts, and little more.
    expect(written() - before).toBeLessThan(32 * MIB)
  })

  test('cuts a slow body after 2 seconds', async () => {
    const begun = performance.now()
    const range = { first: 0, last: 9 } // pinned, so the store does not try again
    const asked = open().get('dripping', { range, ifMatch: '"canned"' }, signal)
    expect(await asked.catch(kindOf)).toBe('unavailable')
    expect(performance.now() - begun).toBeLessThan(5000)
    await expect.poll(dripping.running).toBe(0)
  })

  test.each([
    [403, 'upstream_error'],
    [500, 'unavailable'],
  ] as const)('does not expand the entities of a %d', async (status, kind) => {
    const begun = performance.now()
    expect(await open().get(`expanding-${status}`, {}, signal).catch(kindOf)).toBe(kind)
    expect(performance.now() - begun).toBeLessThan(5000)
  })

  test.each(REDIRECTS)('does not follow a %d to another object', async (status) => {
    const before = server.requests.length
    const store = open()
    expect(await store.get(`redirect-${status}`, {}, signal).catch(kindOf)).toBe('upstream_error')
    expect(await store.head(`redirect-${status}`, signal).catch(kindOf)).toBe('upstream_error')
    const paths = server.requests.slice(before).map(({ path }) => path)
    expect(
      paths.filter((path) => !path.endsWith(`/redirect-${status}`) && !path.endsWith(`/${LEARNING}`)),
    ).toEqual([])
  })

  test('still gets requests after all that', async () => {
    expect(await endOf(await open().get('good', {}, signal))).toEqual(reading(bytes))
  })
})
