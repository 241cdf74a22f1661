import { describe, expect, test } from 'vitest'

import type { ObjectInfo } from '../../src/ports.ts'
import { objectEtag } from '../../src/steps/plan-delivery.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import { counting } from './counting.ts'
import { ask, collect, key, openGuard } from './guard.ts'

const size = 1_000
const whole = Buffer.from(positionCoded(size))
const lastModified = new Date('2026-11-20T10:00:00.700Z')
const current: ObjectInfo = { size, validator: 'v-1', lastModified }
const now = (): number => Date.parse('2026-11-20T12:00:00Z')

const before = 'Fri, 20 Nov 2026 09:59:59 GMT'
const same = 'Fri, 20 Nov 2026 10:00:00 GMT'
const after = 'Fri, 20 Nov 2026 10:00:01 GMT'
const etag = objectEtag(undefined, 'v-1')
const other = objectEtag(undefined, 'v-2')

/** What is asked of the store: nothing is opened that is not sent. */
interface Asked {
  readonly heads: number
  readonly gets: number
}
const once: Asked = { heads: 0, gets: 1 }
const looked: Asked = { heads: 1, gets: 0 }
const lookedAndOpened: Asked = { heads: 1, gets: 1 }

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: Buffer
  readonly asked: Asked
}

async function answer(
  fields: Record<string, string>,
  { method = 'GET', object = current, bytes = whole, record = {} } = {},
): Promise<Answer> {
  const store = counting(createMemoryStore({ [key]: bytes }), () => ({ ...object, size: bytes.length }))
  const { handler } = openGuard(store, { now, record, delivery: { multipleRanges: true } })
  const { status, headers, body } = await handler.handle(ask(fields, { method }))
  const collected = await collect(body)
  expect(store.open()).toBe(0)
  return { status, headers, bytes: collected, asked: { heads: store.heads(), gets: store.gets() } }
}

describe('preconditions, in the order of RFC 9110 §13.2.2', () => {
  const [match, noneMatch, since, unmodified] = [
    'if-match',
    'if-none-match',
    'if-modified-since',
    'if-unmodified-since',
  ] as const

  test.each<[number, Record<string, string>]>([
    // 1. If-Match, compared strongly.
    [200, { [match]: etag }],
    [200, { [match]: `${other}, ${etag}` }],
    [200, { [match]: '*' }],
    [412, { [match]: other }],
    [412, { [match]: `W/${etag}` }],
    [412, { [match]: 'no-tag' }],
    [200, { [match]: etag, [unmodified]: before }],
    [412, { [match]: other, [unmodified]: after }],
    // 2. Else If-Unmodified-Since.
    [200, { [unmodified]: same }],
    [200, { [unmodified]: after }],
    [412, { [unmodified]: before }],
    [200, { [unmodified]: 'yesterday' }],
    // 3. If-None-Match, compared weakly.
    [304, { [noneMatch]: etag }],
    [304, { [noneMatch]: `W/${etag}` }],
    [304, { [noneMatch]: `${other}, W/${etag}` }],
    [304, { [noneMatch]: '*' }],
    [200, { [noneMatch]: other }],
    [200, { [noneMatch]: 'no-tag' }],
    [200, { [noneMatch]: other, [since]: after }],
    [304, { [noneMatch]: etag, [since]: before }],
    // 4. Else If-Modified-Since.
    [304, { [since]: same }],
    [304, { [since]: after }],
    [200, { [since]: before }],
    [200, { [since]: 'yesterday' }],
    // The first pair is judged before the second.
    [412, { [match]: other, [noneMatch]: etag }],
    [412, { [unmodified]: before, [noneMatch]: etag }],
    [304, { [match]: etag, [noneMatch]: etag }],
    [304, { [unmodified]: after, [since]: after }],
    // 5. Range comes last, and counts only where the answer would be 200.
    [206, { [match]: etag, [noneMatch]: other, range: 'bytes=0-9' }],
    [304, { [noneMatch]: etag, range: 'bytes=0-9' }],
    [412, { [match]: other, range: 'bytes=0-9' }],
    [412, { [match]: other, range: 'bytes=5000-' }],
    [304, { [noneMatch]: etag, range: 'bytes=5000-' }],
  ])('%i for %o', async (status, fields) => {
    const seen = await answer(fields)
    expect(seen.status).toBe(status)
    expect(seen.asked).toEqual(status < 300 ? lookedAndOpened : looked)
    const head = await answer(fields, { method: 'HEAD' })
    expect([head.status, head.bytes.length, head.asked]).toEqual([status === 206 ? 200 : status, 0, looked])
  })

  test('a 304 has the fields of RFC 9110 §15.4.5 that a 200 would have, and no body', async () => {
    const { status, headers, bytes } = await answer({ 'if-none-match': etag })
    const { headers: plain } = await answer({})
    expect([status, bytes.length]).toEqual([304, 0])
    for (const name of ['Cache-Control', 'ETag', 'Vary']) expect(headers[name]).toBe(plain[name])
    for (const name of ['Content-Length', 'Content-Type', 'Content-Range', 'Content-Disposition'])
      expect(headers[name]).toBeUndefined()
  })

  test('without a date of the object, no date is compared', async () => {
    const object = { size, validator: 'v-1' }
    const dated = { 'if-unmodified-since': before, 'if-modified-since': after }
    expect((await answer(dated, { object })).status).toBe(200)
    expect((await answer({ range: 'bytes=0-9', 'if-range': same }, { object })).status).toBe(200)
  })

  test.each([
    { 'if-unmodified-since': 'Fri, 20 Nov 2026 11:59:00 GMT' },
    { 'if-modified-since': 'Fri, 20 Nov 2026 12:00:00 GMT' },
    { range: 'bytes=0-9', 'if-range': 'Fri, 20 Nov 2026 11:59:00 GMT' },
  ])('an object with a future date has no Last-Modified, and no date is compared: %j', async (fields) => {
    const object = { ...current, lastModified: new Date('2027-01-01T00:00:00Z') }
    const { status, headers } = await answer(fields, { object })
    expect([status, headers['Last-Modified']]).toEqual([200, undefined])
  })
})

describe('If-Range (RFC 9110 §13.1.5)', () => {
  const range = 'bytes=0-9'
  test.each<[string, number, string, Partial<ObjectInfo>]>([
    ['the strong tag', 206, etag, {}],
    ['the tag, weakened', 200, `W/${etag}`, {}],
    ['another tag', 200, other, {}],
    ['a tag within a list', 200, `${etag}, ${other}`, {}],
    ['what every tag matches elsewhere', 200, '*', {}],
    ['an unquoted tag', 200, etag.slice(1, -1), {}],
    ['the date of Last-Modified', 206, same, {}],
    ['a later date', 200, after, {}],
    ['an earlier date', 200, before, {}],
    ['no date', 200, 'yesterday', {}],
    ['the date of this very second', 200, 'Fri, 20 Nov 2026 12:00:00 GMT', { lastModified: new Date(now()) }],
  ])('%s: %i', async (_, status, ifRange, more) => {
    const object = { ...current, ...more }
    const seen = await answer({ range, 'if-range': ifRange }, { object })
    expect([seen.status, seen.asked]).toEqual([status, lookedAndOpened])
    expect(seen.bytes.equals(status === 206 ? whole.subarray(0, 10) : whole)).toBe(true)
  })

  test('without Range has no effect', async () => {
    expect(await answer({ 'if-range': other })).toMatchObject({ status: 200, asked: once })
  })

  test('that does not match makes an unsatisfiable range a 200', async () => {
    expect((await answer({ range: 'bytes=5000-', 'if-range': other })).status).toBe(200)
    expect((await answer({ range: 'bytes=5000-', 'if-range': etag })).status).toBe(416)
  })
})

describe('ranges (RFC 9110 §14)', () => {
  test.each<[number, string, string | undefined]>([
    // Another unit is ignored; units know no case.
    [200, 'items=0-5', undefined],
    [206, 'BYTES=0-5', 'bytes 0-5/1000'],
    // Malformed: ignored.
    [200, 'bytes=abc', undefined],
    [200, 'bytes=5-2', undefined],
    [200, 'bytes=-', undefined],
    [200, 'bytes=1.5-3', undefined],
    [200, 'bytes=', undefined],
    [200, 'bytes=,', undefined],
    [200, 'bytes', undefined],
    [200, 'bytes=0-5, x', undefined],
    [200, 'bytes = 0-5', undefined],
    [200, 'bytes=0-5, bytes=7-9', undefined],
    // Bounded, open, suffix; what reaches past the end is cut there.
    [206, 'bytes=0-0', 'bytes 0-0/1000'],
    [206, 'bytes=999-999', 'bytes 999-999/1000'],
    [206, 'bytes=0-999', 'bytes 0-999/1000'],
    [206, 'bytes=990-5000', 'bytes 990-999/1000'],
    [206, 'bytes=990-', 'bytes 990-999/1000'],
    [206, 'bytes=0-', 'bytes 0-999/1000'],
    [206, 'bytes=-10', 'bytes 990-999/1000'],
    [206, 'bytes=-5000', 'bytes 0-999/1000'],
    [206, `bytes=0-${'9'.repeat(40)}`, 'bytes 0-999/1000'],
    [206, `bytes=-${'9'.repeat(40)}`, 'bytes 0-999/1000'],
    // Unsatisfiable.
    [416, 'bytes=1000-', 'bytes */1000'],
    [416, 'bytes=1000-1001', 'bytes */1000'],
    [416, 'bytes=-0', 'bytes */1000'],
    [416, `bytes=${'9'.repeat(40)}-`, 'bytes */1000'],
    [416, 'bytes=1000-, -0', 'bytes */1000'],
    // Several.
    [206, 'bytes=0-9, 5000-', 'bytes 0-9/1000'],
    [206, 'bytes=0-9, 89-99', 'bytes 0-99/1000'],
    [206, 'bytes=0-9, 90-99', undefined],
  ])('%i for %s, with Content-Range %s', async (status, range, contentRange) => {
    const { headers, bytes, asked, ...seen } = await answer({ range })
    expect([seen.status, headers['Content-Range']]).toEqual([status, contentRange])
    expect(headers['Accept-Ranges']).toBe('bytes')
    // A 206 of several parts opens the object once for each.
    const parts = headers['Content-Type']?.startsWith('multipart') === true ? 2 : 1
    expect(asked).toEqual(status === 416 ? looked : { heads: 1, gets: parts })
    expect(headers['Content-Length']).toBe(String(bytes.length))
    const head = await answer({ range }, { method: 'HEAD' })
    expect([head.status, head.headers['Content-Length'], head.asked]).toEqual([200, '1000', looked])
  })

  test('of an empty export are ignored', async () => {
    const empty = new Uint8Array()
    for (const range of ['bytes=0-', 'bytes=0-9', 'bytes=-1', 'bytes=-0']) {
      const { status, headers, bytes } = await answer({ range }, { bytes: Buffer.from(empty) })
      expect([status, headers['Content-Length'], headers['Content-Range'], bytes.length]).toEqual([
        200,
        '0',
        undefined,
        0,
      ])
    }
  })

  test('of several parts: no Content-Range of the response, an unquoted boundary, an exact length', async () => {
    const { status, headers, bytes } = await answer({ range: 'bytes=0-9, 500-509, -10' })
    const [type = '', boundary = ''] = headers['Content-Type']?.split('; boundary=') ?? []
    expect([status, type, headers['Content-Range']]).toEqual([206, 'multipart/byteranges', undefined])
    const part = (first: number, last: number): string =>
      `--${boundary}\r\nContent-Type: application/jsonl\r\nContent-Range: bytes ${first}-${last}/1000\r\n\r\n` +
      `${whole.subarray(first, last + 1).toString('latin1')}\r\n`
    expect(boundary).toMatch(/^[\w-]{20,70}$/)
    expect(bytes.toString('latin1')).toBe(
      `${part(0, 9)}${part(500, 509)}${part(990, 999)}--${boundary}--\r\n`,
    )
  })

  test('a 206 has the representation fields of a 200 (RFC 9110 §15.3.7)', async () => {
    const [part, plain] = [await answer({ range: 'bytes=0-9' }), await answer({})]
    for (const name of ['Cache-Control', 'ETag', 'Vary', 'Last-Modified', 'Content-Disposition'])
      expect(part.headers[name]).toBe(plain.headers[name])
    for (const { headers } of [part, plain]) expect(headers['X-Accel-Buffering']).toBe('no')
  })
})

describe('the calls of the store', () => {
  test('a plain download is one get', async () => {
    expect(await answer({})).toMatchObject({ status: 200, asked: once })
  })

  test('HEAD is one head, also if the record has size and validator', async () => {
    const record = { object: { size, validator: 'v-1' } }
    expect(await answer({}, { method: 'HEAD' })).toMatchObject({ status: 200, asked: looked })
    expect(await answer({}, { method: 'HEAD', record })).toMatchObject({ status: 200, asked: looked })
  })

  test.each<[number, Record<string, string>, Asked]>([
    [206, { range: 'bytes=0-9' }, once],
    [200, { 'if-none-match': other }, once],
    [304, { 'if-none-match': etag }, { heads: 0, gets: 0 }],
    [412, { 'if-match': other }, { heads: 0, gets: 0 }],
    [416, { range: 'bytes=1000-' }, { heads: 0, gets: 0 }],
    [206, { range: 'bytes=0-9', 'if-range': etag }, once],
  ])('a record with size and validator replaces the head: %i for %o', async (status, fields, asked) => {
    const record = { object: { size, validator: 'v-1', lastModified } }
    expect(await answer(fields, { record })).toMatchObject({ status, asked })
  })

  test.each([
    ['size', { size }],
    ['validator', { validator: 'v-1' }],
    ['sha256', { sha256: 'ab'.repeat(32) }],
  ])('a record with %s alone does not', async (_, object) => {
    const record = { object }
    expect(await answer({ range: 'bytes=0-9' }, { record })).toMatchObject({
      status: 206,
      asked: lookedAndOpened,
    })
  })
})
