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
import { createS3Store } from '../../src/s3.ts'
import { endOf, kindOf, reading } from '../reading.ts'
import { bytes, range, startAnswers } from './canned-answers.ts'
import { BUCKET, LEARNING, s3Client } from './scene.ts'

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

/** The two headers that may hold something secret, which tracers redact by their names. */
const REDACTED = [
  /'?authorization'?[:,]\s*'?AWS4-HMAC-SHA256 Credential=AKIDCANARY\/[\w/-]+, SignedHeaders=[\w;-]+, Signature=[0-9a-f]{64}/gi,
  /'?x-amz-security-token'?[:,]\s*'?SESSIONCANARY/gi,
]
const SECRETS = [...Object.values(keys), 'X-Amz-Sig', 'AWS4-HMAC', 'Signature=']

/** Which of these words were published, then or in what became of it since, outside of these headers. */
const shown = (words: readonly string[]): readonly string[] =>
  published.flatMap(({ name, message, text }) => {
    const rest = [text, inspect(message, depth)].map((one) =>
      REDACTED.reduce((left, header) => left.replaceAll(header, ''), one),
    )
    return words.filter((word) => rest.some((one) => one.includes(word))).map((word) => `${name}: ${word}`)
  })
const heard = (): ReadonlySet<string> => new Set(published.map(({ name }) => name))

/** A store that has learned its way, and sends by itself. */
async function learned() {
  const store = createS3Store({ client: s3Client({ port: server.port, keys }), bucket: BUCKET })
  await store.head(LEARNING, signal)
  return store
}

test('a secret in another header or in a URL would be seen', async () => {
  listenTo([...undiciChannels, ...nodeChannels])
  const headers = { 'x-other': keys.secretAccessKey }
  const answer = await request(`http://127.0.0.1:${server.port}/digest?X-Amz-Signature=${CANARY}`, {
    headers,
  })
  await answer.body.dump()
  expect(shown(SECRETS)).toEqual(
    expect.arrayContaining([
      'undici:request:create: X-Amz-Sig',
      'undici:client:sendHeaders: X-Amz-Sig',
      `undici:request:create: ${keys.secretAccessKey}`,
    ]),
  )
})

describe('nothing secret is published but in the headers that tracers redact', () => {
  test('of bodies that are read, whole and in part, on new connections and used ones', async () => {
    const store = await learned()
    listenTo([...undiciChannels, ...nodeChannels])
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
    expect(server.requests.at(-1)?.headers['x-amz-security-token']).toBe(keys.sessionToken)
    expect(shown(SECRETS)).toEqual([])
  })

  test('of many at a time, some left before their answer, some within', async () => {
    const store = await learned()
    listenTo([...undiciChannels, ...nodeChannels])
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
    expect(shown(SECRETS)).toEqual([])
  })

  // These bodies repeat the signature. The SDK gets its own, which no channel of undici shows.
  test.each(['forged', 'expired-token', 'other-region'])(
    'and of the body of a refusal nothing at all: %s',
    async (key) => {
      const store = await learned()
      listenTo(undiciChannels)
      await store.get(key, {}, signal).catch(kindOf)
      expect([...heard()]).toContain('undici:request:headers')
      expect([...heard()]).not.toContain('undici:request:bodyChunkReceived')
      expect(shown([...SECRETS, `AK${CANARY}`, '<Error>'])).toEqual([])
    },
  )
})
