import { GetObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { createPresign } from '../../src/s3-signed/presign.ts'

const Bucket = 'bucketcanary'
const period = { at: Date.UTC(2026, 1, 1), seconds: 900 }
const clientOf = (config: S3ClientConfig) =>
  new S3Client({
    region: 'eu-north-7',
    credentials: { accessKeyId: 'AKCANARY', secretAccessKey: 'x', sessionToken: 'a/b+c==' },
    ...config,
  })
interface Named {
  readonly Key: string
  readonly VersionId?: string | undefined
  readonly ExpectedBucketOwner?: string | undefined
}
const bySdk = (client: S3Client, object: Named) =>
  getSignedUrl(client, new GetObjectCommand({ Bucket, ...object, ChecksumMode: 'ENABLED' }), {
    expiresIn: period.seconds,
    signingDate: new Date(period.at),
    unhoistableHeaders: new Set(['x-amz-expected-bucket-owner']),
  })

/** How many commands a client resolves: it does so for the SDK's own URLs only. */
function counted(client: S3Client) {
  const clone = client.middlewareStack.clone.bind(client.middlewareStack)
  let count = 0
  Object.assign(client.middlewareStack, {
    clone: () => {
      count += 1
      return clone()
    },
  })
  return () => count
}

describe('a URL is what the SDK signs, letter for letter', () => {
  const name = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => text.isWellFormed())
  const object: fc.Arbitrary<Named> = fc.record({
    Key: fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/')),
    VersionId: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
    ExpectedBucketOwner: fc.option(fc.constant('123456789012'), { nil: undefined }),
  })
  test.each([
    ['of AWS', {}],
    ['of AWS, by paths', { forcePathStyle: true }],
    ['accelerated', { useAccelerateEndpoint: true }],
    ['of both stacks', { useDualstackEndpoint: true }],
    ['of its own host', { endpoint: 'http://127.0.0.1:9000', forcePathStyle: true }],
    ['of its own host, below a path', { endpoint: 'https://[::1]:9000/s3', forcePathStyle: true }],
    ['of its own host, by names', { endpoint: 'https://store.example' }],
  ])('%s', async (_, config) => {
    const [client, other] = [clientOf(config), clientOf(config)]
    const made = counted(client)
    const presign = createPresign(client)
    await presign({ Bucket, Key: 'first/object' }, period)
    await fc.assert(
      fc.asyncProperty(object, async (one) => {
        expect(await presign({ Bucket, ...one }, period)).toBe(await bySdk(other, one))
      }),
      { numRuns: 50 },
    )
    expect(made()).toBe(1) // the others without it
  })
})

test.each([
  [
    'a middleware',
    (client: S3Client) =>
      client.middlewareStack.add((next) => (args) => next(args), { step: 'initialize', name: 'host' }),
  ],
  [
    'a resolver of endpoints',
    (client: S3Client) =>
      Object.assign(client.config, { endpointProvider: () => ({ url: new URL('https://own.example/x') }) }),
  ],
])('all are, for a client with %s of the host', async (_, change) => {
  const client = clientOf({})
  change(client)
  const made = counted(client)
  const presign = createPresign(client)
  for (const Key of ['a', 'b', 'c'])
    expect(await presign({ Bucket, Key }, period)).toBe(await bySdk(client, { Key }))
  expect(made()).toBe(6)
})

test('the way is looked for again after a quarter of an hour', async () => {
  const client = clientOf({})
  const made = counted(client)
  const presign = createPresign(client)
  for (const minutes of [0, 14, 15, 29, 30])
    await presign({ Bucket, Key: 'a' }, { ...period, at: period.at + minutes * 60_000 })
  expect(made()).toBe(3)
})
