import { describe, expect, test } from 'vitest'

import { decidesFirst, objectEtag } from '../../src/steps/plan-delivery.ts'
import { id, plan, question } from './plan.ts'
import { refused } from './refused.ts'

describe('a whole export', () => {
  test('has these fields and no other', () => {
    expect(plan()).toEqual({
      status: 200,
      headers: {
        'Cache-Control': 'private, no-store, no-transform',
        Vary: 'X-Org-Name, X-API-Version',
        ETag: objectEtag(undefined, 'v1'),
        'Accept-Ranges': 'bytes',
        'X-Accel-Buffering': 'no',
        'Content-Disposition': `attachment; filename="export-${id}.jsonl"`,
        'Content-Type': 'application/jsonl',
        'Content-Length': '1000',
      },
      ranges: [{ first: 0, last: 999 }],
      length: 1_000,
    })
  })

  test.each(['POST', 'HEAD', 'GET'])('has the same to say to %s', (method) => {
    expect(plan({ method })).toEqual(plan())
  })

  test('of 0 bytes has nothing to read', () => {
    expect(plan({ info: { size: 0 } })).toMatchObject({
      status: 200,
      headers: { 'Content-Length': '0' },
      ranges: [],
      length: 0,
    })
  })

  test.each([
    ['csv', 'text/csv; charset=utf-8'],
    ['parquet', 'application/octet-stream'],
    ['CSV', 'text/csv; charset=utf-8'],
    ['csv.gz.gpg', 'application/octet-stream'],
    ['constructor', 'application/octet-stream'],
  ])('of format %s is %s', (format, type) => {
    expect(plan({ record: { format } }).headers['Content-Type']).toBe(type)
  })

  test.each([
    ['audit.jsonl', 'attachment; filename="audit.jsonl"'],
    ['../../etc/passwd\r\nX-Evil: 1', 'attachment; filename="_.._etc_passwdX-Evil_ 1"'],
    ['Prüfung.jsonl', `attachment; filename="Prufung.jsonl"; filename*=UTF-8''Pr%C3%BCfung.jsonl`],
    ['', `attachment; filename="export-${id}.jsonl"`],
  ])('is saved safely as %j', (filename, disposition) => {
    expect(plan({ record: { filename } }).headers['Content-Disposition']).toBe(disposition)
  })
})

describe('Last-Modified', () => {
  test.each([
    ['of the past', '2026-05-31T10:00:00.999Z', 'Sun, 31 May 2026 10:00:00 GMT'],
    ['of this instant', '2026-06-01T12:00:00.500Z', 'Mon, 01 Jun 2026 12:00:00 GMT'],
    ['of later in this second', '2026-06-01T12:00:00.999Z', 'Mon, 01 Jun 2026 12:00:00 GMT'],
    ['of the next second', '2026-06-01T12:00:01Z', undefined],
    ['of the future', '2027-01-01T00:00:00Z', undefined],
  ])('%s is given unless it is later than now', (_, date, expected) => {
    expect(plan({ info: { lastModified: new Date(date) } }).headers['Last-Modified']).toBe(expected)
  })

  test('is not made up', () => {
    expect(plan().headers).not.toHaveProperty('Last-Modified')
  })
})

describe('a range', () => {
  test('is a part', () => {
    expect(plan({ fields: { range: 'bytes=10-19' } })).toMatchObject({
      status: 206,
      headers: {
        'Content-Range': 'bytes 10-19/1000',
        'Content-Length': '10',
        'Content-Type': 'application/jsonl',
      },
      ranges: [{ first: 10, last: 19 }],
      length: 10,
    })
  })

  test('counts for GET alone', () => {
    expect(plan({ method: 'HEAD', fields: { range: 'bytes=10-19' } })).toEqual(plan())
    expect(plan({ method: 'HEAD', fields: { range: 'bytes=1000-' } })).toEqual(plan())
  })

  test('that lies outside is refused with the size', () => {
    expect(refused(() => plan({ fields: { range: 'bytes=1000-' } }))).toEqual({
      kind: 'range_not_satisfiable',
      size: 1_000,
    })
  })

  test.each([
    [objectEtag(undefined, 'v1'), 206],
    [`W/${objectEtag(undefined, 'v1')}`, 200],
    ['"another"', 200],
    ['Sun, 31 May 2026 10:00:00 GMT', 206],
    ['Sun, 31 May 2026 10:00:01 GMT', 200],
    ['nonsense', 200],
  ])('under If-Range %s: %d', (ifRange, status) => {
    const fields = { range: 'bytes=0-1', 'if-range': ifRange }
    expect(plan({ fields, info: { lastModified: new Date('2026-05-31T10:00:00Z') } }).status).toBe(status)
  })

  test('several are parts of one body, whose length is exact', () => {
    const { status, headers, ranges, length, frame } = plan({ fields: { range: 'bytes=0-9,500-509' } })
    expect([status, ranges]).toEqual([
      206,
      [
        { first: 0, last: 9 },
        { first: 500, last: 509 },
      ],
    ])
    expect(headers).toMatchObject({
      'Content-Type': 'multipart/byteranges; boundary=b0undary',
      'Content-Length': String(length),
    })
    expect(headers).not.toHaveProperty('Content-Range')
    const heads = ranges.map((range, index) => frame?.head(range, index === 0))
    expect([...heads, frame?.tail]).toEqual([
      '--b0undary\r\nContent-Type: application/jsonl\r\nContent-Range: bytes 0-9/1000\r\n\r\n',
      '\r\n--b0undary\r\nContent-Type: application/jsonl\r\nContent-Range: bytes 500-509/1000\r\n\r\n',
      '\r\n--b0undary--\r\n',
    ])
    expect(length).toBe([...heads, frame?.tail].join('').length + 20)
  })

  test.each(['bytes=0-9,500-509', 'bytes=0-9,20-29', 'bytes=5000-,-0', 'bytes=0-,0-,0-,0-'])(
    'a list without the option is as if there were no Range: %s',
    (range) => {
      expect(plan({ fields: { range }, multipleRanges: false })).toEqual(plan())
    },
  )

  test('one range with empty elements beside it is no list', () => {
    const { status, ranges } = plan({ fields: { range: 'bytes=,0-9,' }, multipleRanges: false })
    expect([status, ranges]).toEqual([206, [{ first: 0, last: 9 }]])
  })
})

describe('a condition', () => {
  test('that fails is refused before any range is looked at', () => {
    const fields = { 'if-match': '"another"', range: 'bytes=5000-' }
    expect(refused(() => plan({ fields }))).toEqual({ kind: 'precondition_failed' })
  })

  test('that tells that nothing has changed comes before the range too', () => {
    expect(plan({ fields: { 'if-none-match': '*', range: 'bytes=5000-' } }).status).toBe(304)
  })
})

describe('decidesFirst', () => {
  test.each([
    ['a plain GET', {}, false],
    ['HEAD', { method: 'HEAD' }, true],
    ['Range', { fields: { range: 'bytes=0-1' } }, true],
    ['If-Match', { fields: { 'if-match': '*' } }, true],
    ['If-None-Match', { fields: { 'if-none-match': '' } }, true],
    ['If-Modified-Since', { fields: { 'if-modified-since': 'x' } }, true],
    ['If-Unmodified-Since', { fields: { 'if-unmodified-since': 'x' } }, true],
    ['If-Range alone', { fields: { 'if-range': '"x"' } }, false],
    ['Accept-Encoding', { fields: { 'accept-encoding': 'gzip' } }, false],
  ])('%s', (_, asked, decides) => {
    expect(decidesFirst(question(asked))).toBe(decides)
  })
})
