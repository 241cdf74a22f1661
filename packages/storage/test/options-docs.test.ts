import { link, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { S3Client } from '@aws-sdk/client-s3'
import { ContainerClient } from '@azure/storage-blob'
import type { ExportStore } from '@sallyport/core'
import { createMemoryStore } from '@sallyport/core/testing'
import { describe } from 'vitest'

import {
  type CannedAnswer,
  object,
  s3Error,
  startCannedStore,
} from '../../../scripts/servers/canned-store.ts'
import { type Behaviours, testOptions } from '../../../scripts/test-options.ts'
import { createAzureBlobStore } from '../src/azure-blob.ts'
import { createFilesystemStore, type FilesystemStoreOptions } from '../src/filesystem.ts'
import { createPartsStore, type Part, type PartsOptions } from '../src/parts.ts'
import { createReadAheadStore } from '../src/read-ahead.ts'
import { listS3Parts, type ListS3PartsOptions } from '../src/s3-parts.ts'
import { createS3Store } from '../src/s3.ts'
import { temporaryFolder } from './filesystem/temporary-folder.ts'
import { kindOf } from './reading.ts'

const { signal } = new AbortController()

/** The content of an object, `undefined` if it is missing, or the kind of the refusal. */
async function contentOf(store: ExportStore, key: string): Promise<string | undefined> {
  try {
    const object = await store.get(key, {}, signal)
    if (!object) return undefined
    const chunks: Uint8Array[] = []
    for await (const chunk of object.chunks) chunks.push(Uint8Array.from(chunk))
    object.close()
    return Buffer.concat(chunks).toString()
  } catch (error) {
    return kindOf(error)
  }
}

// ── createFilesystemStore ────────────────────────────────────────────────────────────────────────────────────────────

/** Two folders; in the first, `twice.csv` has another name outside. */
async function folders(): Promise<readonly [string, string]> {
  const base = await temporaryFolder()
  const [first, second] = [join(base, 'first'), join(base, 'second')]
  await mkdir(first)
  await mkdir(second)
  await writeFile(join(first, 'one.csv'), 'first')
  await writeFile(join(second, 'one.csv'), 'second')
  await writeFile(join(base, 'outside.csv'), 'outside')
  await link(join(base, 'outside.csv'), join(first, 'twice.csv'))
  return [first, second]
}

const filesystem: Behaviours<FilesystemStoreOptions> = {
  root: {
    see: async ({ root }) => {
      const [first, second] = await folders()
      return contentOf(createFilesystemStore({ root: root === undefined ? first : second }), 'one.csv')
    },
    before: 'first',
    after: [[{ root: 'the second' }, 'second']],
  },
  hardLinks: {
    see: async (changes) => {
      const [root] = await folders()
      return contentOf(createFilesystemStore({ root, ...changes }), 'twice.csv')
    },
    before: 'upstream_error',
    after: [[{ hardLinks: 'allow' }, 'outside']],
  },
}

// ── createS3Store ────────────────────────────────────────────────────────────────────────────────────────────────────

type S3Options = Parameters<typeof createS3Store>[0]
const s3Client = (port: number, accessKeyId = 'AKIDFIRST'): S3Client =>
  new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'eu-central-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey: 'secret' },
  })

/** What is asked of S3 for the key `one.csv`. */
async function askedOfS3(
  changes: Partial<S3Options>,
  read: (request: { readonly path: string; readonly url: string; readonly owner: unknown }) => unknown,
): Promise<unknown> {
  const server = await startCannedStore({ 'one.csv': object(Buffer.from('one')) })
  try {
    await contentOf(
      createS3Store({ bucket: 'exports', ...changes, client: clientOf(changes, server.port) }),
      'one.csv',
    )
    const [request] = server.requests
    if (!request) return undefined
    const { path, query, headers } = request
    const url = `${headers['authorization']?.toString() ?? ''}${query.get('X-Amz-Credential') ?? ''}`
    return read({
      path,
      url,
      owner: headers['x-amz-expected-bucket-owner'] ?? query.get('x-amz-expected-bucket-owner'),
    })
  } finally {
    await server.close()
  }
}
/** A given client is one of other credentials. */
const clientOf = ({ client }: Partial<S3Options>, port: number): S3Client =>
  s3Client(port, client ? 'AKIDSECOND' : 'AKIDFIRST')

const s3: Behaviours<S3Options> = {
  client: {
    see: (changes) => askedOfS3(changes, ({ url }) => /AKID[A-Z]+/.exec(url)?.[0]),
    before: 'AKIDFIRST',
    after: [[{ client: s3Client(1) }, 'AKIDSECOND']],
  },
  bucket: {
    see: (changes) => askedOfS3(changes, ({ path }) => path),
    before: '/exports/one.csv',
    after: [[{ bucket: 'archive' }, '/archive/one.csv']],
  },
  prefix: {
    see: (changes) => askedOfS3(changes, ({ path }) => path),
    before: '/exports/one.csv',
    after: [[{ prefix: 'service/acme' }, '/exports/service/acme/one.csv']],
  },
  bucketOwner: {
    see: (changes) => askedOfS3(changes, ({ owner }) => owner ?? undefined),
    before: undefined,
    after: [[{ bucketOwner: '123456789012' }, '123456789012']],
  },
  forbiddenIsMissing: {
    see: async (changes) => {
      const server = await startCannedStore({ 'one.csv': s3Error(403, 'AccessDenied') })
      try {
        const store = createS3Store({ client: s3Client(server.port), bucket: 'exports', ...changes })
        return await contentOf(store, 'one.csv')
      } finally {
        await server.close()
      }
    },
    before: 'upstream_error',
    after: [[{ forbiddenIsMissing: true }, undefined]],
  },
  keys: {
    see: (changes) => answerOfS3(changes, object(Buffer.from('one')), '/one.csv'),
    before: 'upstream_error',
    after: [[{ keys: 'literal' }, 'one']],
  },
  validator: {
    see: (changes) =>
      answerOfS3(changes, object(Buffer.from('one'), { etag: 'W/"weak"', 'x-amz-version-id': 'v1' })),
    before: 'upstream_error',
    after: [
      [{ validator: 'version' }, 'one'],
      [{ validator: 'lastModified+size' }, 'one'],
    ],
  },
  verifyChecksums: {
    see: (changes) => answerOfS3(changes, object(Buffer.from('one'), { 'x-amz-checksum-crc32': 'AAAAAA==' })),
    before: 'one',
    after: [[{ verifyChecksums: true }, 'upstream_error']],
  },
}

/** What a store reads of a server that has one object. */
async function answerOfS3(
  changes: Partial<S3Options>,
  answer: CannedAnswer,
  key = 'one.csv',
): Promise<string | undefined> {
  const server = await startCannedStore({ 'one.csv': answer })
  try {
    return await contentOf(
      createS3Store({ bucket: 'exports', ...changes, client: s3Client(server.port) }),
      key,
    )
  } finally {
    await server.close()
  }
}

// ── createAzureBlobStore ─────────────────────────────────────────────────────────────────────────────────────────────

type AzureOptions = Parameters<typeof createAzureBlobStore>[0]
const container = (port: number, name = 'exports'): ContainerClient =>
  new ContainerClient(`http://127.0.0.1:${port}/account/${name}`)
const pathOfAzure = async (changes: Partial<AzureOptions>, key = 'one.csv'): Promise<string | undefined> => {
  const server = await startCannedStore({ 'one.csv': object(Buffer.from('one')) })
  try {
    const given = container(server.port, changes.container?.containerName)
    await contentOf(createAzureBlobStore({ ...changes, container: given }), key)
    return server.requests[0]?.path
  } finally {
    await server.close()
  }
}
const azure: Behaviours<AzureOptions> = {
  container: {
    see: pathOfAzure,
    before: '/account/exports/one.csv',
    after: [[{ container: container(1, 'archive') }, '/account/archive/one.csv']],
  },
  prefix: {
    see: pathOfAzure,
    before: '/account/exports/one.csv',
    after: [[{ prefix: 'service/acme' }, '/account/exports/service/acme/one.csv']],
  },
  keys: {
    see: (changes) => pathOfAzure(changes, '/one.csv'),
    before: undefined,
    after: [[{ keys: 'literal' }, '/account/exports//one.csv']],
  },
}

// ── createReadAheadStore ─────────────────────────────────────────────────────────────────────────────────────────────

interface ReadAheadOptions extends NonNullable<Parameters<typeof createReadAheadStore>[1]> {
  readonly store: ExportStore
}
const size = 40_000_000
const large = createMemoryStore({ 'one.csv': new Uint8Array(size) })
const createReadAhead = ({ store, ...options }: ReadAheadOptions): ExportStore =>
  createReadAheadStore(store, options)

/** The ranges that are asked of the store before the reader has taken anything but the first chunk. */
async function firstRanges(
  changes: Partial<ReadAheadOptions>,
): Promise<readonly (readonly [number, number])[]> {
  const ranges: (readonly [number, number])[] = []
  const counted: ExportStore = {
    head: (...asked) => large.head(...asked),
    get: (key, options, own) => {
      const { first = 0, last = size - 1 } = options.range ?? {}
      ranges.push([first, last])
      return large.get(key, options, own)
    },
  }
  const store = createReadAhead({ ...changes, store: counted })
  const opened = await store.get('one.csv', { range: { first: 0, last: size - 1 } }, signal)
  for await (const _ of opened?.chunks ?? []) break
  opened?.close()
  return ranges
}

const readAhead: Behaviours<ReadAheadOptions> = {
  store: {
    see: ({ store = createMemoryStore({ 'one.csv': 'first' }) }) =>
      contentOf(createReadAhead({ store }), 'one.csv'),
    before: 'first',
    after: [[{ store: createMemoryStore({ 'one.csv': 'second' }) }, 'second']],
  },
  parts: {
    see: async (changes) => (await firstRanges(changes)).length,
    before: 4,
    after: [[{ parts: 2 }, 2]],
  },
  partBytes: {
    see: async (changes) => (await firstRanges(changes))[1],
    before: [8_388_608, 16_777_215],
    after: [[{ partBytes: 1_000_000 }, [1_000_000, 1_999_999]]],
  },
}

// ── createPartsStore ─────────────────────────────────────────────────────────────────────────────────────────────────

interface PartsStoreOptions extends PartsOptions {
  readonly store: ExportStore
  readonly listParts: Parameters<typeof createPartsStore>[1]
}
const createParts = ({ store, listParts, ...options }: PartsStoreOptions): ExportStore =>
  createPartsStore(store, listParts, options)
const listOf =
  (...keys: readonly string[]) =>
  async (): Promise<readonly Part[]> =>
    keys.map((key) => ({ key, size: 3 }))
const halves = createMemoryStore({ a: 'one', b: 'two', '/a': 'ONE' })
const gzipped: ExportStore = {
  head: async (key, own) => {
    const info = await halves.head(key, own)
    return info && { ...info, encoding: 'gzip' }
  },
  get: async (key, options, own) => {
    const opened = await halves.get(key, options, own)
    return opened && { ...opened, info: { ...opened.info, encoding: 'gzip' } }
  },
}
const contentOfParts = (changes: Partial<PartsStoreOptions>): Promise<string | undefined> =>
  contentOf(createParts({ store: halves, listParts: listOf('a', 'b'), ...changes }), 'one.csv')

/** How many objects are open after the first chunk of two objects of several chunks. */
async function openAfterFirstChunk({ aheadMs }: Partial<PartsStoreOptions>): Promise<number> {
  let opened = 0
  const counted: ExportStore = {
    head: (...asked) => large.head(...asked),
    get: (...asked) => {
      opened += 1
      return large.get(...asked)
    },
  }
  const listParts = async (): Promise<readonly Part[]> => [
    { key: 'one.csv', size, last: 399_999 },
    { key: 'one.csv', size, last: 9 },
  ]
  const joined = createParts({ store: counted, listParts, ...(aheadMs !== undefined && { aheadMs }) })
  const object = await joined.get('a', {}, signal)
  for await (const _ of object?.chunks ?? []) break
  object?.close()
  return opened
}

const parts: Behaviours<PartsStoreOptions> = {
  store: {
    see: contentOfParts,
    before: 'onetwo',
    after: [[{ store: createMemoryStore({ a: 'uno', b: 'due' }) }, 'unodue']],
  },
  listParts: {
    see: contentOfParts,
    before: 'onetwo',
    after: [[{ listParts: listOf('b', 'a') }, 'twoone']],
  },
  aheadMs: {
    see: openAfterFirstChunk,
    before: 2,
    after: [[{ aheadMs: 0 }, 1]],
  },
  encodedParts: {
    see: (changes) => contentOfParts({ store: gzipped, ...changes }),
    before: 'upstream_error',
    after: [[{ encodedParts: 'file' }, 'onetwo']],
  },
  keys: {
    see: (changes) => contentOfParts({ listParts: listOf('/a'), ...changes }),
    before: 'upstream_error',
    after: [[{ keys: 'literal' }, 'ONE']],
  },
}

// ── listS3Parts ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Lists a bucket that has two objects at every prefix: `a` and `_SUCCESS`. */
async function listed(changes: Partial<ListS3PartsOptions>): Promise<readonly unknown[]> {
  const listing = (prefix: string): CannedAnswer => ({
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><IsTruncated>false</IsTruncated>${[
      'a',
      '_SUCCESS',
    ]
      .map((name) => `<Contents><Key>${prefix}${name}</Key><Size>3</Size><ETag>"1"</ETag></Contents>`)
      .join('')}</ListBucketResult>`,
  })
  const { prefix = 'unload/' } = changes
  const server = await startCannedStore({ '': listing(prefix) })
  try {
    const client = clientOf(changes, server.port)
    const found = await listS3Parts({ bucket: 'exports', prefix, ...changes, client }).catch(
      (error: unknown) => [{ key: error instanceof Error ? error.message.slice(0, 46) : '' }],
    )
    const [request] = server.requests
    const who = /AKID[A-Z]+/.exec(request?.headers['authorization']?.toString() ?? '')?.[0]
    return [who, request?.path, ...found.map(({ key }) => key)]
  } finally {
    await server.close()
  }
}
const first = ['AKIDFIRST', '/exports/', 'unload/a']
const listing: Behaviours<ListS3PartsOptions> = {
  client: {
    see: listed,
    before: first,
    after: [[{ client: s3Client(1) }, ['AKIDSECOND', '/exports/', 'unload/a']]],
  },
  bucket: {
    see: listed,
    before: first,
    after: [[{ bucket: 'archive' }, ['AKIDFIRST', '/archive/', 'unload/a']]],
  },
  prefix: {
    see: listed,
    before: first,
    after: [[{ prefix: 'other/' }, ['AKIDFIRST', '/exports/', 'other/a']]],
  },
  marker: {
    see: listed,
    before: first,
    after: [
      [{ marker: 'a' }, ['AKIDFIRST', '/exports/']],
      [{ marker: 'manifest' }, ['AKIDFIRST', '/exports/', "listS3Parts: there is no object 'manifest' at "]],
    ],
  },
  signal: {
    see: listed,
    before: first,
    after: [[{ signal: AbortSignal.abort(new Error('stopped')) }, [undefined, undefined, 'stopped']]],
  },
}

// ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

describe('createFilesystemStore', () => {
  testOptions({
    name: 'createFilesystemStore',
    create: createFilesystemStore,
    sound: { root: '/var/exports' },
    behaviours: filesystem,
  })
})

describe('createS3Store', () => {
  testOptions({
    name: 'createS3Store',
    create: createS3Store,
    sound: { client: s3Client(1), bucket: 'exports' },
    behaviours: s3,
  })
})

describe('createAzureBlobStore', () => {
  testOptions({
    name: 'createAzureBlobStore',
    create: createAzureBlobStore,
    sound: { container: container(1) },
    behaviours: azure,
  })
})

describe('createReadAheadStore', () => {
  testOptions<ReadAheadOptions>({
    name: 'createReadAheadStore',
    create: createReadAhead,
    sound: { store: large },
    behaviours: readAhead,
  })
})

describe('createPartsStore', () => {
  testOptions<PartsStoreOptions>({
    name: 'createPartsStore',
    create: createParts,
    sound: { store: halves, listParts: listOf('a', 'b') },
    behaviours: parts,
  })
})

describe('listS3Parts', () => {
  testOptions<ListS3PartsOptions>({
    name: 'listS3Parts',
    create: listS3Parts,
    sound: { client: s3Client(1), bucket: 'exports', prefix: 'unload/' },
    behaviours: listing,
  })
})
