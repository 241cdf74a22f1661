import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import type { StoreFixture } from '@sallyport/core/testing'

import { createS3Store } from '../../src/s3.ts'

/** Names that must be seen nowhere. */
export const BUCKET = 'bucketcanary'
export const PREFIX = 'prefixcanary/acme'
export const KEY = 'keycanary.jsonl'
export const REGION = 'regioncanary-1'

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
export function s3Fixture(client: S3Client, create: typeof createS3Store = createS3Store): StoreFixture {
  const store = create({ client, bucket: BUCKET, prefix: PREFIX })
  const place = (key: string) => ({ Bucket: BUCKET, Key: `${PREFIX}/${key}` })
  return {
    store,
    put: async (key, bytes) => void (await client.send(new PutObjectCommand({ ...place(key), Body: bytes }))),
    remove: async (key) => void (await client.send(new DeleteObjectCommand(place(key)))),
  }
}
