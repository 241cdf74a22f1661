import { BlobServiceClient } from '@azure/storage-blob'
import { positionCoded } from '@sallyport/core/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import {
  azureError,
  CANARY,
  type CannedAnswer,
  type CannedStore,
  object,
  startCannedStore,
} from '../../../../scripts/servers/canned-store.ts'
import { createAzureBlobStore } from '../../src/azure-blob.ts'
import { leaksIn } from '../leaks.ts'
import { endOf, kindOf, reading } from '../reading.ts'

// What Azurite cannot be brought to say: gateways' pages, lies, states of Azure's own.
const signal = new AbortController().signal
const bytes = positionCoded(100_000)
const range = { first: 10, last: 19 }
const part = (headers: CannedAnswer['headers'], status = 206): CannedAnswer => ({
  status,
  headers: { etag: '"canned"', 'content-length': 10, 'content-range': 'bytes 10-19/100000', ...headers },
  body: bytes.subarray(10, 20),
})
const page = (status: number): CannedAnswer => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: `<html><body><h1>${status} ${CANARY}</h1></body></html>`,
})

const refusedAnswers = {
  busy: [azureError(503, 'ServerBusy'), 'unavailable'],
  'internal-error': [azureError(500, 'InternalError'), 'unavailable'],
  'too-many': [azureError(429, 'TooManyRequests'), 'unavailable'],
  'page-502': [page(502), 'unavailable'],
  'page-200': [page(200), 'upstream_error'],
  archived: [azureError(409, 'BlobArchived'), 'upstream_error'],
  rehydrating: [azureError(409, 'BlobBeingRehydrated'), 'upstream_error'],
  forbidden: [azureError(403, 'AuthenticationFailed'), 'upstream_error'],
  'no-container': [azureError(404, 'ContainerNotFound'), 'upstream_error'],
  'unasked-412': [azureError(412, 'ConditionNotMet'), 'upstream_error'],
  'unasked-416': [azureError(416, 'InvalidRange'), 'upstream_error'],
  'no-etag': [object(bytes, { etag: undefined }), 'upstream_error'],
  'weak-etag': [object(bytes, { etag: 'W/"canned"' }), 'upstream_error'],
  'no-length': [object(bytes, { 'content-length': undefined }), 'upstream_error'],
  'unasked-part': [part({}), 'upstream_error'],
  deflate: [object(bytes, { 'content-encoding': 'deflate' }), 'upstream_error'],
  'gzip-twice': [object(bytes, { 'content-encoding': 'gzip, gzip' }), 'upstream_error'],
} as const satisfies Record<string, readonly [CannedAnswer, string]>

const wrongParts = {
  'whole-for-a-part': object(bytes),
  'part-of-200': part({}, 200),
  'another-range': part({ 'content-range': 'bytes 11-20/100000' }),
  'no-range': part({ 'content-range': undefined }),
  'shorter-length': { ...part({ 'content-length': 9 }), body: bytes.subarray(10, 19) },
} as const satisfies Record<string, CannedAnswer>

let server: CannedStore
beforeAll(async () => {
  const refused = Object.entries(refusedAnswers).map(([name, [answer]]) => [name, answer] as const)
  const folder = object(Buffer.alloc(0), { 'x-ms-meta-hdi_isfolder': 'true' })
  const undated = object(bytes, { 'last-modified': 'yesterday' })
  const version = object(bytes, { 'x-ms-version-id': '2026-01-01T00:00:00.0000000Z' })
  server = await startCannedStore({
    ...Object.fromEntries(refused),
    ...wrongParts,
    version,
    'another-etag': part({ etag: '"other"' }),
    folder,
    undated,
  })
})
afterAll(() => server.close())

const store = () => {
  const account = `account${CANARY}`
  const key = Buffer.alloc(32, 1).toString('base64')
  const endpoint = `http://127.0.0.1:${server.port}/${account}`
  const connection = `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=${endpoint};`
  const retryOptions = { maxTries: 1 }
  return createAzureBlobStore({
    container: BlobServiceClient.fromConnectionString(connection, { retryOptions }).getContainerClient(
      `container${CANARY}`,
    ),
  })
}
const words = [CANARY, '127.0.0.1', 'signature', 'x-ms-', 'sharedkey']

describe('an error response of Azure', () => {
  test.each(Object.keys(refusedAnswers) as (keyof typeof refusedAnswers)[])(
    '%s is refused, and the refusal reveals nothing',
    async (name) => {
      const thrown: unknown = await store()
        .get(name, {}, signal)
        .catch((error: unknown) => error)
      expect(kindOf(thrown)).toBe(refusedAnswers[name][1])
      expect(leaksIn(thrown, words)).toEqual([])
    },
  )

  test.each(['busy', 'page-502', 'archived', 'forbidden', 'no-container', 'no-etag'] as const)(
    '%s to a HEAD likewise',
    async (name) => {
      const thrown: unknown = await store()
        .head(name, signal)
        .catch((error: unknown) => error)
      expect(kindOf(thrown)).toBe(refusedAnswers[name][1])
      expect(leaksIn(thrown, words)).toEqual([])
    },
  )
})

describe('an answer to a pinned range', () => {
  test.each(Object.keys(wrongParts))('%s is refused', async (name) => {
    expect(await store().get(name, { range, ifMatch: '"canned"' }, signal).catch(kindOf)).toBe(
      'upstream_error',
    )
  })

  test.each(['unasked-412', 'unasked-416', 'another-etag'])('%s means another blob', async (name) => {
    expect(await store().get(name, { range, ifMatch: '"canned"' }, signal).catch(kindOf)).toBe(
      'object_changed',
    )
  })
})

test('a mark of a folder is no blob', async () => {
  expect(await store().head('folder', signal).catch(kindOf)).toBe('upstream_error')
  expect(await store().get('folder', {}, signal).catch(kindOf)).toBe('upstream_error')
})

test('a Last-Modified that is no date counts as none', async () => {
  expect((await store().head('undated', signal))?.lastModified).toBeUndefined()
})

test('a blob with versions is pinned and opened again by its version', async () => {
  const info = await store().head('version', signal)
  expect(info?.validator).toBe('"canned"@2026-01-01T00:00:00.0000000Z')
  const object = await store().get('version', { ifMatch: info?.validator ?? '' }, signal)
  expect(object?.info.validator).toBe(info?.validator)
  expect(await endOf(object)).toEqual(reading(bytes))
  expect(server.requests.at(-1)?.headers['if-match']).toBe('"canned"')
  expect(server.requests.at(-1)?.query.get('versionid')).toBe('2026-01-01T00:00:00.0000000Z')
})
