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

describe('a wrong option of a store is named, with the right value', () => {
  test.each<[string, unknown, string]>([
    [
      'createFilesystemStore',
      undefined,
      'createFilesystemStore: options: must be { root, hardLinks? }; got nothing',
    ],
    [
      'createFilesystemStore',
      '/var',
      'createFilesystemStore: options: must be { root, hardLinks? }; got a string',
    ],
    ['createFilesystemStore', { path: '/var' }, 'path: is not an option; must be one of root, hardLinks'],
    ['createFilesystemStore', {}, "root: must be the path of the exports' folder"],
    [
      'createS3Store',
      undefined,
      'options: must be { client, bucket, prefix?, bucketOwner?, forbiddenIsMissing?, keys?, validator?, verifyChecksums? }',
    ],
    ['createS3Store', { bucket: 'b' }, 'client: must be new S3Client({ … })'],
    ['createS3Store', { client: {}, bucket: 'b' }, 'client: must be new S3Client({ … })'],
    [
      'createS3Store',
      { client },
      'bucket: must be the name of the bucket, without s3:// and without a path; got nothing',
    ],
    [
      'createS3Store',
      { client, bucket: 'b', forbidenIsMissing: true },
      'forbidenIsMissing: is not an option; did you mean forbiddenIsMissing?',
    ],
    ['createS3Store', { client, bucket: 'b', prefix: '..' }, 'prefix: must be segments'],
    ['createAzureBlobStore', {}, 'container: must be new ContainerClient(…)'],
    [
      'createAzureBlobStore',
      { container, bucket: 'b' },
      'bucket: is not an option; must be one of container, prefix, keys',
    ],
    ['createS3Store', { client, bucket: 'b', keys: 'raw' }, "keys: must be 'strict' or 'literal'; got 'raw'"],
    ['createAzureBlobStore', { container, keys: true }, "keys: must be 'strict' or 'literal'"],
    [
      'createS3Store',
      { client, bucket: 'b', validator: 'etag' },
      "validator: must be 'version' or 'lastModified+size'; got 'etag'",
    ],
    ['createReadAheadStore', { part: 4 }, 'part: is not an option; did you mean parts?'],
    ['createReadAheadStore', { parts: 0 }, 'parts: must be parts: a whole number from 1 to 64'],
  ])('%s(%j): %s', (name, options, message) => {
    const given = (): unknown => create[name]?.(options as never)
    expect(given).toThrow(TypeError)
    expect(given).toThrow(message)
  })

  test('right options are accepted', () => {
    expect(createS3Store({ client, bucket: 'b' })).toHaveProperty('head')
    expect(createAzureBlobStore({ container })).toHaveProperty('get')
  })
})
