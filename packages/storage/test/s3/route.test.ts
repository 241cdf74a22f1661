import { GetObjectCommand, HeadObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { learnRoute } from '../../src/s3/route.ts'

const credentials = { accessKeyId: 'AKCANARY', secretAccessKey: 'x', sessionToken: 'a/b+c==' }
const clientOf = (config: S3ClientConfig) => new S3Client({ region: 'eu-north-7', credentials, ...config })

interface Sent {
  readonly method: string
  readonly hostname: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
}

/** What the SDK would send, at the end of its own middleware; nothing is sent. */
async function signedBySdk(
  client: S3Client,
  input: ConstructorParameters<typeof GetObjectCommand>[0],
  method: 'GET' | 'HEAD' = 'GET',
): Promise<Sent> {
  let sent: unknown
  const command = method === 'GET' ? new GetObjectCommand(input) : new HeadObjectCommand(input)
  const stack: GetObjectCommand['middlewareStack'] = command.middlewareStack
  stack.add(
    () => async (args) => {
      sent = args.request
      throw new Error('not sent')
    },
    { step: 'finalizeRequest', priority: 'low', name: 'notSent' },
  )
  await expect(client.send(command)).rejects.toThrow('not sent')
  return sent as Sent
}

const Bucket = 'bucketcanary'
const first = { Bucket, Key: 'first/object' }
const accessPoint = 'arn:aws:s3:eu-south-9:123456789012:accesspoint/exports'

describe('a signature is what the SDK makes, letter for letter', () => {
  const name = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => text.isWellFormed())
  const object = fc.record({
    Key: fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/')),
    VersionId: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
    ExpectedBucketOwner: fc.option(fc.constant('123456789012'), { nil: undefined }),
    Range: fc.option(fc.constant('bytes=0-9'), { nil: undefined }),
    IfMatch: fc.option(fc.constant('"0123-4"'), { nil: undefined }),
    method: fc.constantFrom('GET' as const, 'HEAD' as const),
  })
  test.each<[string, S3ClientConfig, string]>([
    ['of AWS', {}, Bucket],
    ['of AWS, with dots in the name of the bucket', {}, 'exports.example.com'],
    ['of AWS, by paths', { forcePathStyle: true }, Bucket],
    ['of an access point, in another region', { useArnRegion: true }, accessPoint],
    ['of an alias of an access point', {}, 'exports-0123456789abcdefghijklmnopqrst-s3alias'],
    ['accelerated', { useAccelerateEndpoint: true }, Bucket],
    ['of both stacks', { useDualstackEndpoint: true }, Bucket],
    ['with FIPS', { region: 'us-east-1', useFipsEndpoint: true }, Bucket],
    ['of its own host', { endpoint: 'http://127.0.0.1:9000', forcePathStyle: true }, Bucket],
    ['of its own host, below a path', { endpoint: 'https://[::1]:9000/s3', forcePathStyle: true }, Bucket],
    ['of its own host, by names', { endpoint: 'https://store.example' }, Bucket],
  ])('%s', async (_, config, bucket) => {
    const client = clientOf(config)
    const route = learnRoute(await signedBySdk(client, { ...first, Bucket: bucket }), first.Key, credentials)
    await fc.assert(
      fc.asyncProperty(object, async ({ method, ...input }) => {
        const sdk = await signedBySdk(client, { Bucket: bucket, ...input }, method)
        // That a route is learned says that the signature is the same, for all headers and parameters of the SDK.
        const again = learnRoute(sdk, input.Key, credentials)
        expect(again?.origin).toBe(route?.origin)
        const request = { method, input: { Bucket: bucket, ...input } }
        const [own, other] = [route, again].map((one) => one?.sign(request, credentials, 0))
        const [path, query] = own?.path.split('?') ?? []
        expect(path).toBe(sdk.path)
        expect(new URLSearchParams(query).get('versionId') ?? undefined).toBe(sdk.query['versionId'])
        expect(own?.headers).toEqual({ ...other?.headers, 'user-agent': own?.headers['user-agent'] })
        expect(own?.headers['host']).toBe(sdk.headers['host'])
      }),
      { numRuns: 50 },
    )
  })
})

test('what is sent is signed, with the time and the credentials of the request', async () => {
  const route = learnRoute(await signedBySdk(clientOf({}), first), first.Key, credentials)
  const input = { Bucket, Key: 'a', Range: 'bytes=0-9', ExpectedBucketOwner: '123456789012' }
  const other = { accessKeyId: 'AKOTHER', secretAccessKey: 'y' }
  const made = route?.sign({ method: 'GET', input }, other, Date.UTC(2026, 0, 2, 3, 4, 5, 678))
  expect(made?.headers).toMatchObject({
    range: 'bytes=0-9',
    'x-amz-expected-bucket-owner': '123456789012',
    'x-amz-date': '20260102T030405Z',
  })
  expect(made?.headers).not.toHaveProperty('x-amz-security-token')
  expect(made?.headers['authorization']).toMatch(
    /^AWS4-HMAC-SHA256 Credential=AKOTHER\/20260102\/eu-north-7\/s3\/aws4_request, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date;x-amz-expected-bucket-owner, Signature=[0-9a-f]{64}$/,
  )
})

describe('nothing is learned from a request', () => {
  const learned = async (client: S3Client) =>
    learnRoute(await signedBySdk(client, first), first.Key, credentials)

  test('that is not of this object', async () => {
    expect(learnRoute(await signedBySdk(clientOf({}), first), 'other', credentials)).toBeUndefined()
  })

  test.each<[string, (client: S3Client) => void]>([
    [
      'with a header of the host',
      (client) =>
        client.middlewareStack.add(
          (next) => (args) => {
            const { headers } = args.request as { headers: Record<string, string> }
            headers['x-amz-request-payer'] = 'requester'
            return next(args)
          },
          { step: 'build', name: 'requesterPays' },
        ),
    ],
    [
      'that a signer of the host has signed',
      (client) =>
        Object.assign(client.config, {
          signer: async () => ({
            sign: async (request: { headers: object }) => ({
              ...request,
              headers: {
                ...request.headers,
                authorization: 'AWS4-ECDSA-P256-SHA256 Credential=AK/20260101/s3/aws4_request',
              },
            }),
          }),
        }),
    ],
    [
      'that is not signed',
      (client) =>
        Object.assign(client.config, { signer: async () => ({ sign: async (request: unknown) => request }) }),
    ],
  ])('%s', async (_, change) => {
    const client = clientOf({})
    change(client)
    expect(await learned(client)).toBeUndefined()
  })

  test.each<[string, (sent: Sent) => unknown]>([
    [
      'with other credentials',
      ({ headers, ...sent }) => ({
        ...sent,
        headers: { ...headers, authorization: headers['authorization']?.replace('AKCANARY', 'AKOTHER') },
      }),
    ],
    ['with another path', (sent) => ({ ...sent, path: `/elsewhere${sent.path}` })],
    ['with another parameter', (sent) => ({ ...sent, query: { ...sent.query, list: '' } })],
    ['that is none', () => undefined],
    ['without headers', () => ({ method: 'GET', path: '/first/object' })],
  ])('%s', async (_, change) => {
    const sent = change(await signedBySdk(clientOf({}), first))
    expect(learnRoute(sent, first.Key, credentials)).toBeUndefined()
  })
})
