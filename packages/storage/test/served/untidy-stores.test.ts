import { describe, expect, test } from 'vitest'

import {
  type CannedAnswer,
  object,
  s3Error,
  startCannedStore,
} from '../../../../scripts/servers/canned-store.ts'
import { createS3Store } from '../../src/s3.ts'
import { BUCKET, s3Client } from '../s3/scene.ts'
import { startService } from './service.ts'

// What a client is answered, and what the host reads, where a service of S3's protocol behaves in its own way.

const bytes = Buffer.alloc(1000, 'x')

/** An object that is another one at each look, on a service that ignores If-Match. */
function changing(): CannedAnswer {
  let looks = 0
  return {
    status: 200,
    write: (response) => {
      const { headers, method } = response.req
      const isPart = headers.range !== undefined
      looks += 1
      response.writeHead(isPart ? 206 : 200, {
        etag: `"look-${looks}"`,
        'content-length': isPart ? 10 : bytes.length,
        ...(isPart && { 'content-range': `bytes 10-19/${bytes.length}` }),
      })
      response.end(method === 'HEAD' ? undefined : bytes.subarray(0, isPart ? 10 : bytes.length))
    },
  }
}

const part = { range: 'bytes=10-19' }
const literal = { keys: 'literal' } as const

describe.each<
  [string, CannedAnswer, object, readonly [string, object, number, string | undefined, string[]][]]
>([
  [
    'an object that changes at each look',
    changing(),
    {},
    [['GET', part, 503, 'object_changed', ['object_changed']]],
  ],
  [
    'a missing bucket',
    s3Error(404, 'NoSuchBucket'),
    {},
    [
      ['GET', {}, 502, 'upstream_error', ['store_wrong']],
      ['GET', part, 502, 'upstream_error', ['store_wrong']],
      ['HEAD', {}, 502, 'upstream_error', ['store_wrong']],
    ],
  ],
  [
    'a missing object',
    s3Error(404, 'NoSuchKey'),
    {},
    [
      ['GET', {}, 404, 'object_missing', []],
      ['HEAD', {}, 404, 'object_missing', []],
    ],
  ],
  [
    'an object without a strong entity-tag',
    object(bytes, { etag: 'W/"weak"' }),
    {},
    [['GET', {}, 502, 'upstream_error', ['store_wrong']]],
  ],
  [
    "that object with validator: 'lastModified+size'",
    object(bytes, { etag: 'W/"weak"' }),
    { validator: 'lastModified+size' },
    [
      ['GET', {}, 200, undefined, []],
      ['HEAD', {}, 200, undefined, []],
    ],
  ],
  [
    'an object dated in another zone',
    object(bytes, { 'last-modified': 'Sun, 01 Feb 2026 12:00:00 +0200' }),
    {},
    [['GET', {}, 200, undefined, []]],
  ],
  [
    'an object whose Content-Encoding is no coding',
    object(bytes, { 'content-encoding': 'utf-8' }),
    {},
    [
      ['GET', {}, 200, undefined, ['encoding_ignored']],
      ['GET', {}, 200, undefined, []],
    ],
  ],
  [
    'a key with two slashes',
    object(bytes),
    { key: 'acme//key' },
    [['GET', {}, 502, 'upstream_error', ['store_wrong']]],
  ],
  [
    "that key with keys: 'literal'",
    object(bytes),
    { key: 'acme//key', ...literal },
    [['GET', {}, 200, undefined, []]],
  ],
])('%s', (_, answer, { key = 'key', ...options }: { readonly key?: string }, asked) => {
  test('is answered, and reported to the host', async () => {
    const upstream = await startCannedStore({ key: answer })
    const client = s3Client({ port: upstream.port, keys: { accessKeyId: 'a', secretAccessKey: 'b' } })
    const service = await startService(createS3Store({ client, bucket: BUCKET, ...options }), { key })
    try {
      const seen: unknown[] = []
      for (const [method, headers] of asked) {
        const from = service.events.length
        const answered = await service.open({ ...headers }, method)
        answered.resume()
        await expect
          .poll(() => service.events.slice(from).some(({ type }) => type.endsWith('_ended')))
          .toBe(true)
        const events = service.events.slice(from)
        const kind = events.flatMap((event) => (event.type === 'request_ended' ? (event.kind ?? []) : []))[0]
        const codes = events.flatMap((event) => (event.type === 'trouble' ? [event.code] : []))
        seen.push([method, headers, answered.statusCode, kind, codes])
      }
      expect(seen).toEqual(asked)
    } finally {
      await service.close()
      await upstream.close()
    }
  })
})
