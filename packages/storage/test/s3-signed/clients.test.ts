import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { type CannedStore } from '../../../../scripts/servers/canned-store.ts'
import { createSignedS3Store } from '../../src/s3-signed.ts'
import { checkAgents } from '../../src/s3-signed/plain-handler.ts'
import { socketsOf } from '../../src/s3/upstream-of.ts'
import { bytes, startAnswers } from '../s3/canned-answers.ts'
import { BUCKET, s3Client } from '../s3/scene.ts'

const signal = new AbortController().signal
const keys = { accessKeyId: 'AKCANARY', secretAccessKey: 'x' }

let server: CannedStore
beforeAll(async () => {
  server = await startAnswers()
})
afterAll(() => server.close())

const storeOf = (requestHandler: unknown) =>
  createSignedS3Store({
    client: s3Client({ port: server.port, keys, ...handled(requestHandler) }),
    bucket: BUCKET,
  })
const handled = (requestHandler: unknown): object => (requestHandler === undefined ? {} : { requestHandler })
const usual = () => s3Client({ port: 1, keys }).config.requestHandler
const NodeHttpHandler = usual().constructor as new (options?: object) => object

test.each([
  ['https://store.example', 7],
  ['http://store.example', 9],
])('at %s it has as many places as the client has sockets: %d', async (endpoint, places) => {
  const requestHandler = { httpAgent: { maxSockets: 9 }, httpsAgent: { maxSockets: 7 } }
  const client = s3Client({ port: 1, keys, endpoint, requestHandler })
  await checkAgents(client)
  expect(socketsOf(client)).toBe(places)
})

class OwnAgent extends HttpsAgent {}

describe('a client of the usual kind', () => {
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
    ['that learns its options later', async () => ({ httpsAgent: { maxSockets: 7 } })],
    ["with a handler of the SDK's that the host made", new NodeHttpHandler({ requestTimeout: 1000 })],
  ])('%s opens by a signed URL', async (_, requestHandler) => {
    const object = await storeOf(requestHandler).get('digest', {}, signal)
    object?.close()
    expect(object?.info.size).toBe(bytes.length)
    expect(server.requests.at(-1)?.query.get('X-Amz-Signature')).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('a client is refused', () => {
  const wrapped = { handle: async () => ({ response: {} }), httpHandlerConfigs: () => ({}) }
  class Recorder extends NodeHttpHandler {}
  const patched = Object.assign(new NodeHttpHandler(), { handle: async () => ({ response: {} }) })

  test.each([
    ['a handler of its own', wrapped],
    ["one that extends the SDK's", new Recorder()],
    ["the SDK's, patched", patched],
  ])('at once, for %s', (_, requestHandler) => {
    expect(() => storeOf(requestHandler)).toThrow(TypeError)
    expect(() => storeOf(requestHandler)).toThrow(/client: its requestHandler .*use createS3Store/)
  })

  test.each([
    ['a CA', { httpsAgent: { ca: 'x' } }, 'httpsAgent sets ca'],
    ['a certificate', { httpsAgent: new HttpsAgent({ cert: 'x' }) }, 'httpsAgent sets cert'],
    [
      'no check of certificates',
      { httpsAgent: { rejectUnauthorized: false } },
      'httpsAgent sets rejectUnauthorized',
    ],
    ['a proxy', { httpAgent: { proxyEnv: { HTTP_PROXY: 'http://127.0.0.1:1' } } }, 'httpAgent sets proxyEnv'],
    ['a lookup', { httpAgent: { lookup: () => {} } }, 'httpAgent sets lookup'],
    ['an agent of another class', { httpsAgent: new OwnAgent() }, 'httpsAgent is of another class'],
    ['an agent that only acts as one', { httpAgent: { destroy: () => {} } }, 'httpAgent is of another class'],
    [
      'a patched agent',
      { httpAgent: Object.assign(new HttpAgent(), { createConnection: () => {} }) },
      'another class',
    ],
  ])('by the first call, for %s', async (_, requestHandler, why) => {
    const store = storeOf(requestHandler)
    const before = server.requests.length
    const thrown = await Promise.all(
      [store.get('digest', {}, signal), store.head('digest', signal)].map((asked) =>
        asked.catch((error: unknown) => error),
      ),
    )
    for (const error of thrown) {
      expect(error).toBeInstanceOf(TypeError)
      expect(String(error)).toContain(why)
      expect(String(error)).toMatch(/createSignedS3Store: client: .*use createS3Store/)
    }
    expect(server.requests).toHaveLength(before)
  })
})

test.each([
  ['bucketOwner', { bucketOwner: '12345' }],
  ['bucketOwner', { bucketOwner: '123456789012\r\nx: y' }],
  ['bucket', { bucket: '' }],
  ['prefix', { prefix: '../up' }],
  ['urls', { urls: 3 }],
  ['client', { client: {} }],
])('%s is named where it is wrong', (name, options) => {
  const client = s3Client({ port: 1, keys })
  expect(() => createSignedS3Store({ client, bucket: BUCKET, ...(options as object) })).toThrow(TypeError)
  expect(() => createSignedS3Store({ client, bucket: BUCKET, ...(options as object) })).toThrow(name)
})
