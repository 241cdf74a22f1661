import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import type { ExportStore } from '@sallyport/core'
import type { StoreFixture } from '@sallyport/core/testing'

import { createS3Store } from '../../src/s3.ts'

/** Names that must be seen nowhere. */
export const BUCKET = 'bucketcanary'
export const PREFIX = 'prefixcanary/acme'
export const KEY = 'keycanary.jsonl'
export const REGION = 'regioncanary-1'
/** An object that exists, for {@link ways}. */
export const LEARNING = 'learning'

export interface ClientOptions extends S3ClientConfig {
  readonly port: number
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** A client as a host would make it. */
export const s3Client = ({ port, keys, ...config }: ClientOptions): S3Client =>
  new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: REGION,
    forcePathStyle: true,
    credentials: keys,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    ...config,
  })

/** Makes a bucket; the region must be the server's own for that. */
export async function createBucket({ port, keys }: ClientOptions, Bucket: string): Promise<void> {
  await s3Client({ port, keys, region: 'us-east-1' }).send(new CreateBucketCommand({ Bucket }))
}

/** A bucket with a store on it. */
export function s3Fixture(client: S3Client, create: (typeof ways)[number][1] = createS3Store): StoreFixture {
  const store = create({ client, bucket: BUCKET, prefix: PREFIX })
  const place = (key: string) => ({ Bucket: BUCKET, Key: `${PREFIX}/${key}` })
  return {
    store,
    put: async (key, bytes) => void (await client.send(new PutObjectCommand({ ...place(key), Body: bytes }))),
    remove: async (key) => void (await client.send(new DeleteObjectCommand(place(key)))),
  }
}

/** The store as it sends by the SDK, and as it sends by itself. */
export const ways = [
  [
    'by the SDK',
    (options: Parameters<typeof createS3Store>[0]): ExportStore => {
      withMiddleware(options.client)
      return createS3Store(options)
    },
  ],
  [
    'by its own signatures',
    (options: Parameters<typeof createS3Store>[0]): ExportStore => afterLearning(createS3Store(options)),
  ],
] as const

/** The same, and over TLS: for tests with a real server. */
export const waysWithTls = [...ways, ['by its own signatures, over TLS', ways[1][1]]] as const

/** Adds a middleware to a client, because of which the SDK sends every request. */
function withMiddleware(client: S3Client): S3Client {
  client.middlewareStack.add((next) => (args) => next(args), {
    step: 'initialize',
    name: 'host',
    override: true,
  })
  return client
}

/** A store that asks for the object {@link LEARNING} before its first call, and so knows the way to its bucket. */
function afterLearning(store: ExportStore): ExportStore {
  let learning: Promise<unknown> | undefined
  const learn = () => {
    learning ??= store.head(LEARNING, new AbortController().signal).catch(() => undefined)
    return learning
  }
  return {
    ...store,
    head: async (...given) => {
      await learn()
      return store.head(...given)
    },
    get: async (...given) => {
      await learn()
      return store.get(...given)
    },
  }
}

/** Whether a request is the SDK's. */
export const isSdk = ({ headers }: { readonly headers: object }): boolean => 'x-amz-user-agent' in headers
