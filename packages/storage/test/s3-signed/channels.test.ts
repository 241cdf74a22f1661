import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'

import { request } from 'undici'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import {
  CANARY,
  type CannedAnswer,
  type CannedStore,
  s3Error,
} from '../../../../scripts/servers/canned-store.ts'
import { createSignedS3Store } from '../../src/s3-signed.ts'
import { endOf, kindOf, reading } from '../reading.ts'
import { bytes, range, startAnswers } from '../s3/canned-answers.ts'
import { BUCKET, s3Client } from '../s3/scene.ts'

// Whatever traces a process listens here. What it gets it may show anywhere.
const signal = new AbortController().signal
const keys = { accessKeyId: 'AKIDCANARY', secretAccessKey: 'SECRETCANARY', sessionToken: 'SESSIONCANARY' }
const undiciChannels = [
  'undici:client:beforeConnect',
  'undici:client:connectError',
  'undici:client:connected',
  'undici:client:sendHeaders',
  'undici:request:bodyChunkReceived',
  'undici:request:bodyChunkSent',
  'undici:request:bodySent',
  'undici:request:create',
  'undici:request:error',
  'undici:request:headers',
  'undici:request:trailers',
] as const
const nodeChannels = [
  'http.client.request.created',
  'http.client.request.error',
  'http.client.request.start',
  'http.client.response.finish',
  'net.client.socket',
  'tracing:http.client.request:start',
  'tracing:http.client.request:error',
] as const

let server: CannedStore
const stalled: CannedAnswer = { status: 200, write: () => {} }
const halfway: CannedAnswer = {
  status: 200,
  write: (response) => void response.writeHead(200, { etag: '"canned"', 'content-length': 9 }).write('half'),
}
beforeAll(async () => {
  server = await startAnswers({ stalled, halfway, forged: s3Error(403, 'SignatureDoesNotMatch') })
})
afterAll(() => server.close())

const published: { readonly name: string; readonly message: unknown; readonly text: string }[] = []
const depth = { depth: 12, showHidden: true, maxStringLength: Infinity, maxArrayLength: Infinity } as const
const listen = (message: unknown, name: string | symbol): void => {
  published.push({ name: String(name), message, text: inspect(message, depth) })
}
const listening: string[] = []
const listenTo = (names: readonly string[]): void => {
  for (const name of names) subscribe(name, listen)
  listening.push(...names)
}
beforeEach(() => {
  published.length = 0
})
afterEach(() => {
  for (const name of listening.splice(0)) unsubscribe(name, listen)
})

const secrets = (): readonly string[] => [
  ...Object.values(keys),
  'X-Amz-',
  'x-amz-security-token',
  'AWS4-HMAC',
  'Signature=',
  ...server.requests.flatMap(({ query }) => query.get('X-Amz-Signature') ?? []),
]
/** What was published of these, then or in what became of it since, and where. */
const shown = (words: readonly string[]): readonly string[] =>
  published.flatMap(({ name, message, text }) => {
    const now = inspect(message, depth)
    return words.filter((word) => text.includes(word) || now.includes(word)).map((word) => `${name}: ${word}`)
  })
const heard = (): ReadonlySet<string> => new Set(published.map(({ name }) => name))

const storeOf = (port = server.port) =>
  createSignedS3Store({ client: s3Client({ port, keys }), bucket: BUCKET, prefix: 'prefixcanary' })

test('a URL that undici is given itself is published, so that this would be seen', async () => {
  listenTo([...undiciChannels, ...nodeChannels])
  const answer = await request(`http://127.0.0.1:${server.port}/digest?X-Amz-Signature=${CANARY}`)
  await answer.body.dump()
  expect(shown(['X-Amz-'])).toEqual(
    expect.arrayContaining(['undici:request:create: X-Amz-', 'undici:client:sendHeaders: X-Amz-']),
  )
})

describe('of a signed GET nothing secret is published', () => {
  test('read to its end, whole and in part, on new connections and used ones', async () => {
    listenTo([...undiciChannels, ...nodeChannels])
    const store = storeOf()
    for (const key of ['digest', 'summed', 'digest'])
      expect(await endOf(await store.get(key, {}, signal))).toEqual(reading(bytes))
    const part = await store.get('part-with-whole-sum', { range, ifMatch: '"canned"' }, signal)
    expect(await endOf(part)).toEqual(reading(bytes.subarray(10, 20)))
    expect([...heard()]).toEqual(
      expect.arrayContaining([
        'undici:client:connected',
        'undici:client:sendHeaders',
        'undici:request:bodyChunkReceived',
        'undici:request:bodySent',
        'undici:request:create',
        'undici:request:headers',
        'undici:request:trailers',
        'net.client.socket',
      ]),
    )
    expect(server.requests.at(-1)?.query.get('X-Amz-Security-Token')).toBe(keys.sessionToken)
    expect(shown([...secrets(), 'prefixcanary'])).toEqual([])
  })

  test('many at a time, some left before their answer, some within', async () => {
    listenTo([...undiciChannels, ...nodeChannels])
    const store = storeOf()
    const before = server.requests.length
    const caller = new AbortController()
    const leaving = [1, 2].map(() =>
      store.get('stalled', {}, caller.signal).catch((reason: unknown) => reason),
    )
    const opened = await Promise.all(['halfway', 'digest'].map((key) => store.get(key, {}, signal)))
    for (const object of opened) {
      await object?.chunks[Symbol.asyncIterator]().next()
      object?.close()
    }
    await expect.poll(() => server.requests.length - before).toBe(4)
    caller.abort('left')
    expect(await Promise.all(leaving)).toEqual(['left', 'left'])
    expect(shown([...secrets(), 'prefixcanary'])).toEqual([])
  })

  test('to a service that is not there', async () => {
    listenTo([...undiciChannels, ...nodeChannels])
    expect(await storeOf(1).get('digest', {}, signal).catch(kindOf)).toBe('unavailable')
    expect([...heard()]).toContain('undici:client:connectError')
    expect(shown([...secrets(), 'prefixcanary'])).toEqual([])
  })

  // What the client is then asked goes by Node's own channels, with the client's Authorization, as ever.
  test.each(['forged', 'expired-token', 'slow-down', 'missing'])(
    'nor of what the service says where it refuses: %s',
    async (key) => {
      listenTo(undiciChannels)
      await storeOf().get(key, {}, signal).catch(kindOf)
      expect([...heard()]).toContain('undici:request:headers')
      expect([...heard()]).not.toContain('undici:request:bodyChunkReceived')
      expect(shown([...secrets(), `AK${CANARY}`, 'prefixcanary', '<Error>'])).toEqual([])
    },
  )
})

test('who changes what is published gets nothing sent', async () => {
  const change = (message: unknown): void => {
    const { request } = message as { request: { path: string } }
    request.path = '/signed/999999'
  }
  subscribe('undici:request:create', change)
  const before = server.requests.length
  expect(await storeOf().get('digest', {}, signal).catch(kindOf)).toBe('unavailable')
  unsubscribe('undici:request:create', change)
  expect(server.requests).toHaveLength(before)
})
