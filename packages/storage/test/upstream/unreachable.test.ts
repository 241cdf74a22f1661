import { BlobServiceClient } from '@azure/storage-blob'
import type { ExportStore } from '@sallyport/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { type BlackHole, startBlackHole } from '../../../../scripts/servers/black-hole.ts'
import { openAzureBlobStore } from '../../src/azure-blob/store.ts'
import { openS3Store } from '../../src/s3/store.ts'
import { createUpstream, defaultRuntime } from '../../src/upstream/upstream.ts'
import { leaksIn } from '../leaks.ts'
import { kindOf } from '../reading.ts'
import { BUCKET, REGION, s3Client } from '../s3/scene.ts'

const signal = new AbortController().signal
const words = [BUCKET, REGION, 'keycanary', 'accountcanary', 'hostcanary', 'AKCANARY', '127.0.0.1']

let blackHole: BlackHole
beforeAll(async () => {
  blackHole = await startBlackHole()
}, 30_000)
afterAll(() => blackHole.close())

const upstream = () => createUpstream({ ...defaultRuntime, headersMs: 400, connections: () => 50 })
const s3 = (endpoint: string): ExportStore => {
  const client = s3Client({ port: 0, keys: { accessKeyId: 'AKCANARY', secretAccessKey: 'x' }, endpoint })
  return openS3Store({ client, bucket: BUCKET }, upstream())
}
const azure = (endpoint: string): ExportStore => {
  const key = Buffer.alloc(32, 1).toString('base64')
  const connection = `DefaultEndpointsProtocol=http;AccountName=accountcanary;AccountKey=${key};BlobEndpoint=${endpoint}/accountcanary;`
  const container = BlobServiceClient.fromConnectionString(connection).getContainerClient(BUCKET)
  return openAzureBlobStore({ container }, upstream())
}

describe.each([
  ['an S3 store', s3],
  ['an Azure store', azure],
])('%s', (_, open) => {
  test.each([
    ['in a black hole', () => `http://127.0.0.1:${blackHole.port}`],
    ['whose name is unknown', () => 'http://hostcanary.invalid'],
  ])('%s is refused in time, and the refusal reveals nothing', async (__, endpoint) => {
    const store = open(endpoint())
    const begun = performance.now()
    for (const ask of [() => store.get('keycanary', {}, signal), () => store.head('keycanary', signal)]) {
      const thrown: unknown = await ask().catch((error: unknown) => error)
      expect(kindOf(thrown)).toBe('unavailable')
      expect(leaksIn(thrown, words)).toEqual([])
    }
    expect(performance.now() - begun).toBeLessThan(3000)
  })
})

test('an S3 store without credentials is refused, and the refusal reveals nothing', async () => {
  const credentials = () => Promise.reject(new Error('secretcanary at http://169.254.169.254'))
  const client = s3Client({ port: 1, keys: { accessKeyId: '', secretAccessKey: '' }, credentials })
  const thrown: unknown = await openS3Store({ client, bucket: BUCKET }, upstream())
    .get('keycanary', {}, signal)
    .catch((error: unknown) => error)
  expect(kindOf(thrown)).toBe('unavailable')
  expect(leaksIn(thrown, [...words, 'secretcanary', '169.254'])).toEqual([])
})
