import { BlobServiceClient } from '@azure/storage-blob'
import type { ExportStore } from '@sallyport/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import {
  type CannedStore,
  drippingObject,
  startCannedStore,
} from '../../../../scripts/servers/canned-store.ts'
import { createAzureBlobStore } from '../../src/azure-blob.ts'
import { createSignedS3Store } from '../../src/s3-signed.ts'
import { createS3Store } from '../../src/s3.ts'
import { BUCKET, s3Client } from '../s3/scene.ts'
import { startService } from '../served/service.ts'

const SIZE = 1_000_000
const delivery = { slowestStore: { bytes: 10_000, perMs: 500 }, storeSilenceMs: 400 }

let server: CannedStore
beforeAll(async () => {
  server = await startCannedStore({
    dripping: drippingObject(SIZE, { everyMs: 20 }),
    'fast-later': drippingObject(SIZE, { everyMs: 20, times: 1 }),
    'byte-by-byte': drippingObject(SIZE, { everyMs: 20, cutAfter: 1 }),
  })
})
afterAll(() => server.close())

const s3 = (create: typeof createS3Store) => (): ExportStore => {
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
  const service = await startService(s3(createS3Store)(), { key: 'fast-later', delivery })
  const { complete, size } = await service.download()
  expect([complete, size]).toEqual([true, SIZE])
  const ended = service.events.filter(({ type }) => type === 'download_ended')
  expect(ended).toMatchObject([{ outcome: 'completed', attempts: 2 }])
  await service.close()
})

describe.each([
  ['S3', s3(createS3Store)],
  ['S3 by signed URLs', s3(createSignedS3Store)],
  ['Azure', azure],
])('%s', (_, open) => {
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
