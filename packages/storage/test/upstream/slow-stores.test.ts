import { BlobServiceClient } from '@azure/storage-blob'
import type { ExportStore } from '@sallyport/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import {
  type CannedStore,
  drippingObject,
  object,
  startCannedStore,
} from '../../../../scripts/servers/canned-store.ts'
import { createAzureBlobStore } from '../../src/azure-blob.ts'
import { BUCKET, LEARNING, s3Client, ways } from '../s3/scene.ts'
import { startService } from '../served/service.ts'

const SIZE = 1_000_000
const delivery = { slowestStore: { bytes: 10_000, perMs: 500 }, storeSilenceMs: 400 }

let server: CannedStore
beforeAll(async () => {
  server = await startCannedStore({
    dripping: drippingObject(SIZE, { everyMs: 20 }),
    'fast-later': drippingObject(SIZE, { everyMs: 20, times: 1 }),
    'byte-by-byte': drippingObject(SIZE, { everyMs: 20, cutAfter: 1 }),
    [LEARNING]: object(Buffer.from('x')),
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
  return createAzureBlobStore({
    container: BlobServiceClient.fromConnectionString(connection).getContainerClient('container'),
  })
}

test('a store that is fast after a reopen is read to the end', async () => {
  const service = await startService(s3(ways[1][1])(), { key: 'fast-later', delivery })
  const { complete, size } = await service.download()
  expect([complete, size]).toEqual([true, SIZE])
  const ended = service.events.filter(({ type }) => type === 'download_ended')
  expect(ended).toMatchObject([{ outcome: 'completed', attempts: 2 }])
  await service.close()
})

describe.each([
  [`S3, ${ways[0][0]}`, s3(ways[0][1])],
  [`S3, ${ways[1][0]}`, s3(ways[1][1])],
  ['Azure', azure],
] as const)('%s', (_, open) => {
  test('that sends single bytes is opened once more, and then the download ends', async () => {
    const service = await startService(open(), { key: 'dripping', delivery })
    const { status, complete } = await service.download()
    expect([status, complete]).toEqual([200, false])
    const ended = service.events.filter(({ type }) => type === 'download_ended')
    expect(ended).toMatchObject([{ outcome: 'store_too_slow', attempts: 2 }])
    await service.close()
  })

  test('that cuts after each byte is given up as soon', async () => {
    const service = await startService(open(), { key: 'byte-by-byte', delivery })
    const { complete } = await service.download()
    expect(complete).toBe(false)
    const ended = service.events.filter(({ type }) => type === 'download_ended')
    expect(ended).toMatchObject([{ outcome: 'store_too_slow' }])
    await service.close()
  })
})
