import { S3Client } from '@aws-sdk/client-s3'
import { ContainerClient } from '@azure/storage-blob'
import { describe, expect, test } from 'vitest'

import { createAzureBlobStore } from '../src/azure-blob.ts'
import { createFilesystemStore } from '../src/filesystem.ts'
import { createReadAheadStore } from '../src/read-ahead.ts'
import { createS3Store } from '../src/s3.ts'

const client = new S3Client({ region: 'eu-central-1' })
const container = new ContainerClient('https://account.blob.core.windows.net/exports')
const create: Record<string, (options: never) => unknown> = {
  createFilesystemStore,
  createS3Store,
  createAzureBlobStore,
  createReadAheadStore: (options) => createReadAheadStore(createFilesystemStore({ root: '/tmp' }), options),
}

describe('a wrong option of a store is named, with what to write', () => {
  test.each<[string, unknown, string]>([
    ['createFilesystemStore', undefined, 'createFilesystemStore: options: write { root, hardLinks }'],
    ['createFilesystemStore', '/var', 'createFilesystemStore: options: write { root, hardLinks }'],
    ['createFilesystemStore', { path: '/var' }, 'path: unknown option; write one of root, hardLinks'],
    ['createFilesystemStore', {}, 'root: write the path'],
    [
      'createS3Store',
      undefined,
      'options: write { client, bucket, prefix, bucketOwner, forbiddenIsMissing }',
    ],
    ['createS3Store', { bucket: 'b' }, 'client: write new S3Client({ … })'],
    ['createS3Store', { client: {}, bucket: 'b' }, 'client: write new S3Client({ … })'],
    ['createS3Store', { client }, 'bucket: name the bucket'],
    [
      'createS3Store',
      { client, bucket: 'b', forbidenIsMissing: true },
      'forbidenIsMissing: unknown option; write',
    ],
    ['createS3Store', { client, bucket: 'b', prefix: '..' }, 'prefix: write segments'],
    ['createAzureBlobStore', {}, 'container: write new ContainerClient(…)'],
    [
      'createAzureBlobStore',
      { container, bucket: 'b' },
      'bucket: unknown option; write one of container, prefix',
    ],
    ['createReadAheadStore', { part: 4 }, 'part: unknown option; write one of parts, partBytes'],
    ['createReadAheadStore', { parts: 0 }, 'parts: write a whole number from 1 to 64'],
  ])('%s(%j): %s', (door, options, message) => {
    const given = (): unknown => create[door]?.(options as never)
    expect(given).toThrow(TypeError)
    expect(given).toThrow(message)
  })

  test('sound ones are not', () => {
    expect(createS3Store({ client, bucket: 'b' })).toHaveProperty('head')
    expect(createAzureBlobStore({ container })).toHaveProperty('get')
  })
})
