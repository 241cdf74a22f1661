import { S3Client } from '@aws-sdk/client-s3'
import { ContainerClient } from '@azure/storage-blob'
import { createMemoryStore } from '@sallyport/core/testing'
import { expect, test } from 'vitest'

import { createAzureBlobStore } from '../src/azure-blob.ts'
import { createFilesystemStore } from '../src/filesystem.ts'
import { createPartsStore } from '../src/parts.ts'
import { createReadAheadStore } from '../src/read-ahead.ts'
import { listS3Parts } from '../src/s3-parts.ts'
import { createS3Store } from '../src/s3.ts'

// What hosts get wrong, and the whole text that they read.

const client = new S3Client({ region: 'eu-central-1' })
const container = new ContainerClient('https://account.blob.core.windows.net/exports')
const store = createMemoryStore()
const bucket = 'the name of the bucket, without s3:// and without a path'
const prefix = "segments joined by '/', as in 'exports/acme'; none empty, '.' or '..', no backslash, no NUL"

test.each<[title: string, create: (...given: never[]) => unknown, given: readonly unknown[], line: string]>([
  [
    'a misspelt option',
    createFilesystemStore,
    [{ rot: '/var' }],
    "createFilesystemStore: root: must be the path of the exports' folder, as in '/var/exports'; got nothing\ncreateFilesystemStore: rot: is not an option; did you mean root?",
  ],
  [
    'the folder alone',
    createFilesystemStore,
    ['/var/exports'],
    'createFilesystemStore: options: must be { root, hardLinks? }; got a string',
  ],
  [
    'a folder as URL',
    createFilesystemStore,
    [{ root: new URL('file:///var/exports') }],
    "createFilesystemStore: root: must be the path of the exports' folder, as in '/var/exports'; got a URL: give fileURLToPath(url)",
  ],
  [
    'a folder as text of a URL',
    createFilesystemStore,
    [{ root: 'file:///var/exports' }],
    "createFilesystemStore: root: must be the path of the exports' folder, as in '/var/exports'; got a URL: give fileURLToPath(url)",
  ],
  [
    'the settings of a client',
    createS3Store,
    [{ client: { region: 'eu-central-1' }, bucket: 'exports' }],
    'createS3Store: client: must be new S3Client({ … }) of @aws-sdk/client-s3; got an object',
  ],
  [
    'the class of the client',
    createS3Store,
    [{ client: S3Client, bucket: 'exports' }],
    'createS3Store: client: must be new S3Client({ … }) of @aws-sdk/client-s3; got a function',
  ],
  [
    'the client alone',
    createS3Store,
    [client],
    `createS3Store: client: must be new S3Client({ … }) of @aws-sdk/client-s3; got nothing\ncreateS3Store: bucket: must be ${bucket}; got nothing\n`,
  ],
  [
    'a URL for a bucket',
    createS3Store,
    [{ client, bucket: 's3://exports' }],
    `createS3Store: bucket: must be ${bucket}; got 's3://exports'`,
  ],
  [
    'a bucket with its prefix',
    createS3Store,
    [{ client, bucket: 'exports/acme' }],
    `createS3Store: bucket: must be ${bucket}; got 'exports/acme'`,
  ],
  [
    'a prefix with a slash before it',
    createS3Store,
    [{ client, bucket: 'exports', prefix: '/acme' }],
    `createS3Store: prefix: must be ${prefix}; got '/acme'`,
  ],
  [
    'the name of an account',
    createS3Store,
    [{ client, bucket: 'exports', bucketOwner: 'us' }],
    "createS3Store: bucketOwner: must be the 12 digits of an account; got 'us'",
  ],
  [
    'an option of S3 for Azure',
    createAzureBlobStore,
    [{ container, bucket: 'exports' }],
    'createAzureBlobStore: bucket: is not an option; must be one of container, prefix',
  ],
  [
    'the name of a container',
    createAzureBlobStore,
    [{ container: 'exports' }],
    'createAzureBlobStore: container: must be new ContainerClient(…) of @azure/storage-blob; got a string',
  ],
  [
    'a client of S3 for Azure',
    createAzureBlobStore,
    [{ container: client }],
    'createAzureBlobStore: container: must be new ContainerClient(…) of @azure/storage-blob; got an object',
  ],
  [
    'swapped arguments',
    createReadAheadStore,
    [{ parts: 8 }, store],
    'createReadAheadStore: store: must be a store with head() and get(); got an object\ncreateReadAheadStore: options.head: is not an option; must be one of parts, partBytes\n',
  ],
  [
    'a number for the options',
    createReadAheadStore,
    [store, 8],
    'createReadAheadStore: options: must be { parts?, partBytes? }; got 8',
  ],
  [
    'null for the options',
    createReadAheadStore,
    [store, null],
    'createReadAheadStore: options: must be { parts?, partBytes? }; got null',
  ],
  [
    'a store that was not made',
    createReadAheadStore,
    [createS3Store],
    'createReadAheadStore: store: must be a store with head() and get(); got the function createS3Store itself: call it',
  ],
  [
    'its promise',
    createReadAheadStore,
    [Promise.resolve(store)],
    'createReadAheadStore: store: must be a store with head() and get(); got an object',
  ],
  [
    'the list itself for the function',
    createPartsStore,
    [store, []],
    'createPartsStore: listParts: must be a function (key, signal) => Promise<Part[]>; got an array',
  ],
  [
    'seconds for milliseconds',
    createPartsStore,
    [store, async () => [], { aheadMs: 1 }],
    'createPartsStore: options.aheadMs: must be 0, or the time to open a part in milliseconds (1 s is 1000): a whole number from 10 to 60000; got 1',
  ],
  [
    'a way to serve encoded parts that does not exist',
    createPartsStore,
    [store, async () => [], { encodedParts: 'gzip' }],
    "createPartsStore: options.encodedParts: must be 'refuse' or 'file'; got 'gzip'",
  ],
  [
    'true for a marker',
    listS3Parts,
    [{ client, bucket: 'exports', prefix: 'unload/', marker: true }],
    "listS3Parts: marker: must be the name of an object, such as '_SUCCESS', or false; got true",
  ],
  [
    'no prefix',
    listS3Parts,
    [{ client, bucket: 'exports', prefix: '' }],
    "listS3Parts: prefix: must be the beginning of the parts' keys, such as 'unload/17/'; got an empty string",
  ],
  [
    'mebibytes for bytes',
    createReadAheadStore,
    [store, { partBytes: 0.5 }],
    'createReadAheadStore: options.partBytes: must be bytes: a whole number from 1 to 268435456; got 0.5',
  ],
])('%s', (_, create, given, line) => {
  const call = (): unknown => Reflect.apply(create, undefined, [...given])
  expect(call).toThrow(TypeError)
  expect(call).toThrow(line)
  expect(call).toThrow(
    `\n  see https://github.com/sallyport/sallyport/blob/main/docs/options.md#${create.name.toLowerCase()}`,
  )
})
