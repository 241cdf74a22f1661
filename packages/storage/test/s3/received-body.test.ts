import { positionCoded } from '@sallyport/core/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { type CannedStore, object } from '../../../../scripts/servers/canned-store.ts'
import { createS3Store } from '../../src/s3.ts'
import { kindOf } from '../reading.ts'
import { startAnswers } from './canned-answers.ts'
import { BUCKET, LEARNING, s3Client } from './scene.ts'

const signal = new AbortController().signal
const keys = { accessKeyId: 'AK', secretAccessKey: 'secret' }
const bytes = positionCoded(2_000_000)

let server: CannedStore
beforeAll(async () => {
  server = await startAnswers({
    large: object(bytes),
    cut: {
      status: 200,
      write: (response) => {
        response.writeHead(200, { etag: '"canned"', 'content-length': bytes.length })
        response.write(bytes.subarray(0, 50_000), () => response.socket?.destroy())
      },
    },
  })
})
afterAll(() => server.close())

/** A store that sends by itself. */
const learned = async () => {
  const store = createS3Store({ client: s3Client({ port: server.port, keys }), bucket: BUCKET })
  await store.head(LEARNING, signal)
  return store
}

test('a borrowed chunk is freed when the next one is requested', async () => {
  const opened = await (await learned()).get('large', { borrow: true }, signal)
  const parts: Buffer[] = []
  const earlier: Uint8Array[] = []
  for await (const chunk of opened?.chunks ?? []) {
    expect(chunk.length).toBeGreaterThan(0)
    parts.push(Buffer.from(chunk))
    earlier.push(chunk)
  }
  opened?.close()
  expect(Buffer.concat(parts).equals(bytes)).toBe(true)
  // The first one shares its buffer with the head of the response.
  expect(earlier.filter(({ length }) => length === 0).length).toBeGreaterThan(5)
})

test('a reader that does not borrow keeps its chunks', async () => {
  const opened = await (await learned()).get('large', {}, signal)
  const kept: Uint8Array[] = []
  for await (const chunk of opened?.chunks ?? []) kept.push(chunk)
  opened?.close()
  expect(Buffer.concat(kept).equals(bytes)).toBe(true)
})

test('a chunk that shares its buffer is not freed with it', async () => {
  const opened = await (await learned()).get('large', { borrow: true }, signal)
  const chunks = opened?.chunks[Symbol.asyncIterator]()
  const first = await chunks?.next()
  await chunks?.next()
  opened?.close()
  const bytesOf = (value: unknown): Uint8Array => (value instanceof Uint8Array ? value : new Uint8Array())
  const { length } = bytesOf(first?.value)
  expect(length).toBeGreaterThan(0)
  expect(Buffer.from(bytesOf(first?.value)).equals(bytes.subarray(0, length))).toBe(true)
})

test('the bytes before a cut are given, and then the cut is reported', async () => {
  const opened = await (await learned()).get('cut', {}, signal)
  let got = 0
  let end = 'none'
  try {
    for await (const chunk of opened?.chunks ?? []) got += chunk.length
  } catch (error) {
    end = kindOf(error)
  }
  opened?.close()
  expect([got, end]).toEqual([50_000, 'unavailable'])
})

test('whoever has seen the end sends the next request over the same connection', async () => {
  const store = await learned()
  for (let nth = 0; nth < 20; nth++) {
    const opened = await store.get(LEARNING, {}, signal)
    for await (const chunk of opened?.chunks ?? []) expect(chunk.length).toBeGreaterThan(0)
    opened?.close()
  }
  expect(new Set(server.ports.slice(-20)).size).toBe(1)
})

test('a closed body ends the read that waits for it', async () => {
  const store = await learned()
  const opened = await store.get('large', {}, signal)
  opened?.close()
  const chunks = opened?.chunks[Symbol.asyncIterator]()
  expect(await chunks?.next().catch(kindOf)).toBe('unavailable')
})
