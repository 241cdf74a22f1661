import type { ServerResponse } from 'node:http'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { CANARY, type CannedStore, object } from '../../../../scripts/servers/canned-store.ts'
import { leaksIn } from '../leaks.ts'
import { endOf, kindOf, reading } from '../reading.ts'
import {
  bytes,
  hex,
  looseAnswers,
  range,
  refusedAnswers,
  startAnswers,
  wrongParts,
} from './canned-answers.ts'
import { BUCKET, isSdk, LEARNING, REGION, s3Client, ways } from './scene.ts'

const signal = new AbortController().signal

let server: CannedStore
beforeAll(async () => {
  const lines = (...more: string[]) => ['HTTP/1.1 200 OK', 'etag: "canned"', ...more].join('\r\n')
  const raw = (text: string) => ({
    status: 200,
    write: ({ socket }: ServerResponse) => void socket?.end(text),
  })
  server = await startAnswers({
    short: raw(lines('content-length: 9', '', 'half')),
    'no-head': raw(lines('content-length: 9')),
    'no-http': raw('SSH-2.0-canary\r\n'),
  })
})
afterAll(() => server.close())

const keys = { accessKeyId: `AK${CANARY}`, secretAccessKey: CANARY }
const words = [CANARY, 'eu-north-7', 'arn:aws', BUCKET, REGION, '127.0.0.1']

/** The requests since, without those for learning. */
const requestsFrom = (from: number) =>
  server.requests.slice(from).filter(({ path }) => !path.endsWith(`/${LEARNING}`))

describe.each(ways)('%s', (way, create) => {
  const storeWith = (more: object = {}, options: object = {}) =>
    create({ client: s3Client({ port: server.port, keys, ...more }), bucket: BUCKET, ...options })

  test('is the way that is tested here', async () => {
    const from = server.requests.length
    await storeWith().head('digest', signal)
    expect(requestsFrom(from).map(isSdk)).toEqual([way === 'by the SDK'])
  })

  describe('an error response of S3', () => {
    test.each(Object.keys(refusedAnswers) as (keyof typeof refusedAnswers)[])(
      '%s is refused, and the refusal reveals nothing',
      async (name) => {
        const thrown: unknown = await storeWith()
          .get(name, {}, signal)
          .catch((error: unknown) => error)
        expect(kindOf(thrown)).toBe(refusedAnswers[name][1])
        expect(leaksIn(thrown, words)).toEqual([])
      },
    )

    test.each(['slow-down', 'page-503', 'archived', 'no-etag'] as const)(
      '%s to a HEAD likewise',
      async (name) => {
        const thrown: unknown = await storeWith()
          .head(name, signal)
          .catch((error: unknown) => error)
        expect(kindOf(thrown)).toBe(refusedAnswers[name][1])
        expect(leaksIn(thrown, words)).toEqual([])
      },
    )

    test.each(['expired-token', 'archived', 'skewed'] as const)(
      '%s is no absence, forbiddenIsMissing or not',
      async (name) => {
        const store = storeWith({}, { forbiddenIsMissing: true })
        expect(await store.get(name, {}, signal).catch(kindOf)).toBe('upstream_error')
      },
    )
  })

  test.each(['short', 'no-head', 'no-http'])('%s is an answer that was cut', async (name) => {
    const read = async () => (await endOf(await storeWith().get(name, {}, signal))).end
    expect(await read().catch(kindOf)).toBe('unavailable')
  })

  describe('an answer to a pinned range', () => {
    test.each(Object.keys(wrongParts))('%s is refused', async (name) => {
      expect(await storeWith().get(name, { range, ifMatch: '"canned"' }, signal).catch(kindOf)).toBe(
        'upstream_error',
      )
    })

    test.each(['unasked-412', 'unasked-416', 'another-etag'])('%s means another object', async (name) => {
      expect(await storeWith().get(name, { range, ifMatch: '"canned"' }, signal).catch(kindOf)).toBe(
        'object_changed',
      )
    })

    test('with the checksum of the whole object is accepted, and no checksum was requested', async () => {
      const object = await storeWith().get('part-with-whole-sum', { range, ifMatch: '"canned"' }, signal)
      expect(await endOf(object)).toEqual(reading(bytes.subarray(10, 20)))
      expect(server.requests.at(-1)?.headers).not.toHaveProperty('x-amz-checksum-mode')
    })

    test('of another version means another object', async () => {
      const pin = { ifMatch: '"canned"@v2.other' }
      expect(await storeWith().get('version', pin, signal).catch(kindOf)).toBe('object_changed')
    })
  })

  describe('a store without strong entity-tags', () => {
    test.each(Object.keys(looseAnswers).filter((name) => name !== 'loose-part'))(
      '%s is refused unless the host chose a weaker validator',
      async (name) => {
        expect(await storeWith().head(name, signal).catch(kindOf)).toBe('upstream_error')
        expect(await storeWith().get(name, {}, signal).catch(kindOf)).toBe('upstream_error')
      },
    )

    const dated = `2026-02-01T10:00:00Z/${bytes.length}`
    test.each([
      ['version', 'loose-weak', '@v1'],
      ['version', 'loose-bare', '@v1'],
      ['version', 'loose-none', '@v1'],
      ['version', 'loose-null', 'upstream_error'],
      ['version', 'digest', 'upstream_error'],
      ['lastModified+size', 'loose-weak', dated],
      ['lastModified+size', 'loose-bare', dated],
      ['lastModified+size', 'loose-none', dated],
      ['lastModified+size', 'digest', dated],
      ['lastModified+size', 'loose-undated', 'upstream_error'],
      ['lastModified+size', 'loose-misdated', 'upstream_error'],
      ['version', 'transcoded', 'upstream_error'],
      ['lastModified+size', 'transcoded', 'upstream_error'],
    ])("with validator: '%s', %s has %s", async (validator, name, expected) => {
      const store = storeWith({}, { validator })
      const described = await store.head(name, signal).then((info) => info?.validator, kindOf)
      const opened = await store.get(name, {}, signal).then((object) => {
        object?.close()
        return object?.info.validator
      }, kindOf)
      expect([described, opened]).toEqual([expected, expected])
    })

    test.each([
      ['version', '@v1', 'read'],
      ['version', '@v2', 'object_changed'],
      ['lastModified+size', dated, 'read'],
      ['lastModified+size', `2026-02-01T10:00:01Z/${bytes.length}`, 'object_changed'],
      ['lastModified+size', '2026-02-01T10:00:00Z/99999', 'object_changed'],
    ])("with validator: '%s', a range that is pinned to %s is %s", async (validator, ifMatch, expected) => {
      const store = storeWith({}, { validator })
      const seen = await store.get('loose-part', { range, ifMatch }, signal).then(async (object) => {
        expect(await endOf(object)).toEqual(reading(bytes.subarray(10, 20)))
        return 'read'
      }, kindOf)
      expect(seen).toBe(expected)
    })

    test.each(['version', 'lastModified+size'])(
      "with validator: '%s', a pin of an entity-tag means another object",
      async (validator) => {
        const store = storeWith({}, { validator })
        const pin = { ifMatch: '"canned"' }
        expect(await store.get('loose-none', pin, signal).catch(kindOf)).toBe('object_changed')
      },
    )

    test.each([
      ['version', '@v1', 'v1'],
      ['lastModified+size', dated, null],
    ])(
      "with validator: '%s', a pinned request has no If-Match and versionId %s",
      async (validator, ifMatch, id) => {
        const object = await storeWith({}, { validator }).get('loose-part', { range, ifMatch }, signal)
        object?.close()
        const request = server.requests.at(-1)
        expect([request?.headers['if-match'], request?.query.get('versionId')]).toEqual([undefined, id])
      },
    )
  })

  describe('Last-Modified', () => {
    test.each([
      ['Sun, 01 Feb 2026 12:00:00 +0200', '2026-02-01T10:00:00.000Z'],
      ['Sun, 01 Feb 2026 05:00:00 EST', '2026-02-01T10:00:00.000Z'],
      ['Sun, 1 Feb 2026 10:00:00 UTC', '2026-02-01T10:00:00.000Z'],
      ['Sunday, 01-Feb-26 10:00:00 GMT', '2026-02-01T10:00:00.000Z'],
      ['2026-02-01T10:00:00.000Z', '2026-02-01T10:00:00.000Z'],
      ['Sun, 01 Feb 2026 10:00:00', undefined],
      ['yesterday', undefined],
      ['', undefined],
    ])('%j is %s, and the object is served', async (field, expected) => {
      const dated = await startAnswers({ dated: object(bytes, { 'last-modified': field }) })
      try {
        const store = storeWith({ port: dated.port })
        expect((await store.head('dated', signal))?.lastModified?.toISOString()).toBe(expected)
        const opened = await store.get('dated', {}, signal)
        expect(opened?.info.lastModified?.toISOString()).toBe(expected)
        expect(await endOf(opened)).toEqual(reading(bytes))
      } finally {
        await dated.close()
      }
    })
  })

  describe('a HEAD that is answered with 404', () => {
    const asked = (from: number): readonly string[] =>
      requestsFrom(from).map(({ method, headers }) => `${method} ${headers['range']?.toString() ?? ''}`)

    test('is a missing object, once a GET of one byte has said so', async () => {
      const from = server.requests.length
      expect(await storeWith().head('nothing-here', signal)).toBeUndefined()
      expect(asked(from)).toEqual(['HEAD ', 'GET bytes=0-0'])
    })

    test('is followed by one GET for many', async () => {
      const from = server.requests.length
      const store = storeWith()
      await Promise.all(Array.from({ length: 5 }, () => store.head('nothing-here', signal)))
      await store.head('nothing-here-either', signal)
      expect(asked(from).filter((line) => line.startsWith('GET'))).toHaveLength(1)
    })

    test('is refused if the GET says that the bucket is missing, and reveals nothing', async () => {
      const store = storeWith()
      const thrown: unknown = await store.head('no-bucket', signal).catch((error: unknown) => error)
      expect(kindOf(thrown)).toBe('upstream_error')
      expect(leaksIn(thrown, words)).toEqual([])
      expect(await store.head('no-bucket', signal).catch(kindOf)).toBe('upstream_error')
    })

    test('is a missing object if the GET finds it by then, or finds it empty', async () => {
      const late = await startAnswers({
        late: {
          status: 200,
          write: (response) =>
            void response
              .writeHead(response.req.method === 'HEAD' ? 404 : 206, { 'content-length': 1, etag: '"e"' })
              .end('x'),
        },
        empty: {
          status: 416,
          write: (response) => void response.writeHead(response.req.method === 'HEAD' ? 404 : 416).end(),
        },
      })
      try {
        expect(await storeWith({ port: late.port }).head('late', signal)).toBeUndefined()
        expect(await storeWith({ port: late.port }).head('empty', signal)).toBeUndefined()
      } finally {
        await late.close()
      }
    })
  })

  describe("keys: 'literal'", () => {
    test.each(['/a', 'a//b', 'a/', '../x', 'a/../b', './a', 'a/.', '..', String.raw`a\b`, 'a%2Fb'])(
      '%j is requested exactly, behind the prefix',
      async (key) => {
        const store = storeWith({}, { keys: 'literal', prefix: 'exports/acme' })
        const from = server.requests.length
        await store.get(key, {}, signal).catch(kindOf)
        const paths = server.targets
          .slice(from)
          .map((target) => decodeURIComponent(target.split('?')[0] ?? ''))
          .filter((path) => !path.endsWith(LEARNING))
        expect(paths).toEqual([`/${BUCKET}/exports/acme/${key}`])
        expect(await storeWith().get(key, {}, signal).catch(kindOf)).toBe(
          key === 'a%2Fb' ? undefined : 'upstream_error',
        )
      },
    )
  })

  describe('checksums', () => {
    const sums = ['summed', 'summed-crc64', 'digest', 'digest-untyped'] as const
    const wrong = ['wrongly-summed', 'wrongly-summed-crc64', 'wrong-digest'] as const
    const verifying = () => storeWith({}, { verifyChecksums: true })

    test.each(sums)('%s is verified, on a whole object', async (name) => {
      expect(await endOf(await verifying().get(name, {}, signal))).toEqual(reading(bytes))
    })

    test.each(wrong)('%s ends in a refusal before the last bytes', async (name) => {
      const { size, end } = await endOf(await verifying().get(name, {}, signal))
      expect([size < bytes.length, end]).toEqual([true, 'upstream_error'])
    })

    test('of an empty object are verified, too', async () => {
      const read = async (name: string) => endOf(await verifying().get(name, {}, signal))
      expect(await read('empty-summed')).toEqual(reading(Buffer.alloc(0)))
      expect(await read('empty-wrongly-summed')).toEqual(reading(Buffer.alloc(0), 'upstream_error'))
    })

    test.each(['digest-of-digests', 'digest-marked', 'version'])(
      '%s is not verified: it is none of the object',
      async (name) => {
        expect(await endOf(await verifying().get(name, {}, signal))).toEqual(reading(bytes))
      },
    )

    test('downloads that run at the same time do not disturb each other', async () => {
      const store = verifying()
      const read = await Promise.all(
        Array.from({ length: 8 }, async () => endOf(await store.get('summed-crc64', {}, signal))),
      )
      expect(read).toEqual(read.map(() => reading(bytes)))
    })

    test.each(wrong)('%s is not verified by default, whatever the client does', async (name) => {
      const store = storeWith({ responseChecksumValidation: 'WHEN_SUPPORTED' })
      expect(await endOf(await store.get(name, {}, signal))).toEqual(reading(bytes))
    })

    test.each([
      ['digest', hex],
      ['digest-of-digests', undefined],
      ['digest-untyped', undefined],
      ['digest-marked', undefined],
      ['summed', undefined],
    ])('%s gives the digest %s', async (name, expected) => {
      const object = await storeWith().get(name, {}, signal)
      object?.close()
      expect([object?.info.sha256, (await storeWith().head(name, signal))?.sha256]).toEqual([
        expected,
        expected,
      ])
    })
  })

  test.each([
    ['version', '"canned"@v1.canned'],
    ['null-version', '"canned"'],
  ])('the validator of %s is %s', async (name, validator) => {
    expect((await storeWith().head(name, signal))?.validator).toBe(validator)
  })

  test('the owner of the bucket is named in every request', async () => {
    const store = storeWith({}, { bucketOwner: '123456789012' })
    await store.head('digest', signal)
    ;(await store.get('digest', {}, signal))?.close()
    const owners = server.requests.slice(-2).map(({ headers }) => headers['x-amz-expected-bucket-owner'])
    expect(owners).toEqual(['123456789012', '123456789012'])
  })

  describe('the number of requests', () => {
    const asked = async (name: string, more: object = {}): Promise<number> => {
      const before = server.requests.length
      await storeWith({ maxAttempts: 5 }).get(name, more, signal).catch(kindOf)
      return requestsFrom(before).length
    }
    test.each([
      ['slow-down', {}, 2],
      ['page-502', {}, 2],
      ['skewed', {}, way === 'by the SDK' ? 2 : 4], // each is sent once more by the SDK
      ['archived', {}, way === 'by the SDK' ? 1 : 2],
      ['missing', {}, 1],
      ['slow-down', { range, ifMatch: '"canned"' }, 1],
    ])('%s, requested with %o: %d', async (name, more, times) => {
      expect(await asked(name, more)).toBe(times)
    })
  })

  describe('a service that decompresses gzip objects on the way', () => {
    test('is asked again for the object as it is stored', async () => {
      const info = await storeWith().head('transcoding', signal)
      expect(info).toEqual({ size: bytes.length, validator: '"canned"', encoding: 'gzip' })
      const object = await storeWith().get('transcoding', {}, signal)
      expect(object?.info).toEqual(info)
      expect(await endOf(object)).toEqual(reading(bytes))
    })

    test('is asked again for a part, too', async () => {
      const part = await storeWith().get('transcoding', { range, ifMatch: '"canned"' }, signal)
      expect(await endOf(part)).toEqual(reading(bytes.subarray(10, 20)))
    })

    test('gets a field that is not signed, and no other store gets it', async () => {
      ;(await storeWith().get('digest', {}, signal))?.close()
      expect(server.requests.at(-1)?.headers).not.toHaveProperty('accept-encoding')
      ;(await storeWith().get('transcoding', {}, signal))?.close()
      const { headers, query } = server.requests.at(-1) ?? {}
      expect(headers?.['accept-encoding']).toBe('gzip')
      const signed = `${headers?.['authorization']?.toString()}${query?.get('X-Amz-SignedHeaders')}`
      expect(signed).toMatch(/host/)
      expect(signed).not.toMatch(/accept-encoding/)
    })
  })
})
