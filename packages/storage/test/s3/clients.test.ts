import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'

import type { S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { type CannedAnswer, type CannedStore, object } from '../../../../scripts/servers/canned-store.ts'
import { createS3Store } from '../../src/s3.ts'
import { socketsOf } from '../../src/s3/upstream-of.ts'
import { usualConnections } from '../../src/s3/usual-client.ts'
import { endOf, reading } from '../reading.ts'
import { bytes, startAnswers } from './canned-answers.ts'
import { BUCKET, isSdk, s3Client } from './scene.ts'

const signal = new AbortController().signal
const keys = { accessKeyId: 'AKCANARY', secretAccessKey: 'x' }
const directory = 'exports--use1-az4--x-s3'
const session: CannedAnswer = {
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0"?><CreateSessionResult><Credentials><SessionToken>SESSION</SessionToken><SecretAccessKey>z</SecretAccessKey><AccessKeyId>AKSESSION</AccessKeyId><Expiration>${new Date(Date.now() + 300_000).toISOString()}</Expiration></Credentials></CreateSessionResult>`,
}

let server: CannedStore
beforeAll(async () => {
  server = await startAnswers({ [directory]: session, '': session, other: object(bytes) })
})
afterAll(() => server.close())

const handled = (requestHandler: unknown): object => (requestHandler === undefined ? {} : { requestHandler })
const clientOf = (more: object = {}) => s3Client({ port: server.port, keys, ...more })
const usual = () => s3Client({ port: 1, keys }).config.requestHandler
const NodeHttpHandler = usual().constructor as new (options?: object) => object
type RequestHandler = S3Client['config']['requestHandler']

/** Who sends three requests in turn. */
async function senders(client: S3Client, bucket = BUCKET): Promise<readonly string[]> {
  const store = createS3Store({ client, bucket })
  const before = server.requests.length
  for (let nth = 0; nth < 3; nth++)
    expect(await endOf(await store.get('other', {}, signal))).toEqual(reading(bytes))
  return server.requests
    .slice(before)
    .filter(({ path }) => path.endsWith('/other'))
    .map((request) => (isSdk(request) ? 'sdk' : 'store'))
}
const bySdk = ['sdk', 'sdk', 'sdk']
const byStore = ['sdk', 'store', 'store']

describe('the store itself sends all requests but the first', () => {
  test.each([
    ['as it comes', undefined],
    ['with timeouts', { requestTimeout: 1000, connectionTimeout: 1000, socketTimeout: 5000 }],
    [
      'with more sockets',
      { httpAgent: { maxSockets: 200 }, httpsAgent: { maxSockets: 200, keepAlive: true } },
    ],
    [
      'with plain agents',
      { httpAgent: new HttpAgent({ maxSockets: 9 }), httpsAgent: new HttpsAgent({ timeout: 9000 }) },
    ],
    ['with any number of sockets', { httpAgent: new HttpAgent({ keepAlive: true }) }],
    ['that learns its options later', async () => ({ httpsAgent: { maxSockets: 7 } })],
    ["with a handler of the SDK's that the host made", new NodeHttpHandler({ requestTimeout: 1000 })],
  ])('for a client %s', async (_, requestHandler) => {
    expect(await senders(clientOf(handled(requestHandler)))).toEqual(byStore)
  })
})

describe('the SDK sends all requests', () => {
  class Recorder extends NodeHttpHandler {}
  const passing = (handler: RequestHandler): RequestHandler => ({
    handle: async (...given) => handler.handle(...given),
    metadata: handler.metadata ?? { handlerProtocol: 'http/1.1' },
    updateHttpClientConfig: () => {},
    httpHandlerConfigs: () => ({}),
  })
  const patched = () => Object.assign(new NodeHttpHandler(), { handle: passing(usual()).handle })
  class OwnAgent extends HttpAgent {}

  test.each([
    ["a handler that extends the SDK's", () => new Recorder()],
    ["the SDK's handler, patched", () => patched()],
    ['a handler of its own', () => passing(usual())],
    ['a proxy', () => ({ httpAgent: new HttpAgent({ proxyEnv: {} }) })],
    ['a lookup', () => ({ httpAgent: { lookup: HttpAgent.prototype.constructor, family: 4 } })],
    ['a local address', () => ({ httpAgent: { localAddress: '127.0.0.1' } })],
    ['an agent of another class', () => ({ httpAgent: new OwnAgent() })],
    [
      'a patched agent',
      () => ({ httpAgent: Object.assign(new HttpAgent(), { keepSocketAlive: () => true }) }),
    ],
  ])('of a client with %s', async (_, requestHandler) => {
    expect(await senders(clientOf({ requestHandler: requestHandler() }))).toEqual(bySdk)
  })

  test('of a client whose agent does not show its options, as they may be a proxy', async () => {
    const httpAgent = new HttpAgent()
    const client = clientOf({ requestHandler: { httpAgent } })
    expect(await senders(client)).toEqual(byStore)
    expect(usualConnections(client, false, new Set())).toBeDefined()
    Object.assign(httpAgent, { options: undefined })
    expect(usualConnections(client, false, new Set())).toBeUndefined()
  })

  test('from the next lesson on, if middleware is added later', async () => {
    const client = clientOf()
    expect(await senders(client)).toEqual(byStore)
    client.middlewareStack.add((next) => (args) => next(args), { step: 'initialize', name: 'late' })
    expect(await senders(client)).toEqual(bySdk) // another store learns anew
  })

  test('with a resolver of endpoints of the host', async () => {
    const client = clientOf()
    const { endpointProvider } = client.config
    Object.assign(client.config, {
      endpointProvider: (...given: Parameters<typeof endpointProvider>) => endpointProvider(...given),
    })
    expect(await senders(client)).toEqual(bySdk)
  })

  test.each([
    ['SSE-C', 'x-amz-server-side-encryption-customer-algorithm', 'AES256'],
    ['requester pays', 'x-amz-request-payer', 'requester'],
    ['nothing that is known', 'x-amz-unknown', 'x'],
  ])('with a middleware that adds the header of %s, which is then sent', async (_, name, value) => {
    const client = clientOf()
    client.middlewareStack.add(
      (next) => (args) => {
        const { headers } = args.request as { headers: Record<string, string> }
        headers[name] = value
        return next(args)
      },
      { step: 'build', name: 'host' },
    )
    expect(await senders(client)).toEqual(bySdk)
    expect(server.requests.at(-1)?.headers[name]).toBe(value)
  })

  test('of a directory bucket, by its sessions', async () => {
    expect(await senders(clientOf(), directory)).toEqual(bySdk)
    expect(server.requests.at(-1)?.headers['x-amz-s3session-token']).toBe('SESSION')
  })

  test('of a client whose answers are made up', async () => {
    const client = clientOf()
    let sent = 0
    Object.assign(client, {
      send: async () => {
        sent += 1
        return { $metadata: { httpStatusCode: 200 }, ETag: '"e"', ContentLength: 3 }
      },
    })
    const store = createS3Store({ client, bucket: BUCKET })
    for (let nth = 0; nth < 3; nth++) expect((await store.head('other', signal))?.size).toBe(3)
    expect(sent).toBe(3)
  })
})

test.each([
  ['https://127.0.0.1:1', 7],
  ['http://127.0.0.1:1', 9],
])('at %s a store has as many connections as the client has sockets: %d', async (endpoint, sockets) => {
  const requestHandler = { httpAgent: { maxSockets: 9 }, httpsAgent: { maxSockets: 7 } }
  const client = s3Client({ port: 1, keys, endpoint, requestHandler })
  await createS3Store({ client, bucket: BUCKET })
    .head('a', signal)
    .catch(() => undefined)
  expect(socketsOf(client)).toBe(sockets)
})
