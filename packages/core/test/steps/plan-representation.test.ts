import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { objectEtag } from '../../src/steps/plan-delivery.ts'
import { id, plan, sha256 } from './plan.ts'

describe('the ETag', () => {
  // Pinned: it is the same in every process, region and release, so that downloads can be resumed across them.
  test.each([
    [undefined, 'v1', '', '"1k5R33QtUXCBW0tOoG8GB5BVWen"'],
    [undefined, 'v1', 'gzip', '"i4X63zsltn8VQ01EIZl5CfHIN-w"'],
    [sha256, 'v1', '', '"jbYKcUlYELvZf63gmT88zaHFoTC"'],
    [sha256, 'v1', 'gzip', '"R8Rtu76Ud_uyCUCRnDA5fh8pcma"'],
    [undefined, '"9b2cf535f27731c974343645a3985328-4"', '', '"93gK-hYaAnQZhVR2cDjbRpoFJgP"'],
  ])('of sha256 %s, validator %s, coding %j', (checksum, validator, coding, etag) => {
    expect(objectEtag(checksum, validator, coding)).toBe(etag)
  })

  test('is a hash of the checksum, whatever its case and wherever the object lies', () => {
    expect(objectEtag(sha256.toUpperCase(), 'here')).toBe(objectEtag(sha256, 'there'))
  })

  test('is strong, opaque and differs with every validator', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        expect(objectEtag(undefined, one)).toMatch(/^"[\w-]{27}"$/)
        expect(objectEtag(undefined, one) === objectEtag(undefined, other)).toBe(one === other)
      }),
    )
  })

  test('never meets that of a checksum by way of a validator', () => {
    expect(objectEtag(undefined, sha256)).not.toBe(objectEtag(sha256, sha256))
  })

  test('is that of the record, not of what the store says beside it', () => {
    expect(plan({ record: { object: { sha256 } } }).headers['ETag']).toBe(objectEtag(sha256, 'v1'))
    expect(plan({ info: { sha256 } }).headers['ETag']).toBe(objectEtag(undefined, 'v1'))
  })
})

describe('Repr-Digest', () => {
  const digest = 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'

  test.each([undefined, 'sha-256=5', 'sha-512=9', 'nonsense'])('is sent where it is known: %s', (want) => {
    const fields = want === undefined ? {} : { 'want-repr-digest': want }
    expect(plan({ info: { sha256 }, fields }).headers['Repr-Digest']).toBe(digest)
  })

  test('of the whole stands on a part too', () => {
    expect(plan({ info: { sha256 }, fields: { range: 'bytes=0-1' } }).headers['Repr-Digest']).toBe(digest)
  })

  test('is not sent to who does not want it, nor made up', () => {
    expect(
      plan({ info: { sha256 }, fields: { 'want-repr-digest': 'sha-256=0' } }).headers,
    ).not.toHaveProperty('Repr-Digest')
    expect(plan().headers).not.toHaveProperty('Repr-Digest')
  })
})

describe('an object that is stored as gzip', () => {
  const gzip = { info: { encoding: 'gzip', sha256 } } as const

  test('is a coding to who names gzip', () => {
    expect(plan({ ...gzip, fields: { 'accept-encoding': 'br, gzip' } })).toMatchObject({
      status: 200,
      headers: {
        'Content-Type': 'application/jsonl',
        'Content-Encoding': 'gzip',
        'Content-Disposition': `attachment; filename="export-${id}.jsonl"`,
        'Content-Length': '1000',
        Vary: 'X-Org-Name, X-API-Version, Accept-Encoding',
        ETag: objectEtag(undefined, 'v1', 'gzip'),
      },
    })
  })

  test.each([undefined, 'identity', 'gzip;q=0', 'br'])('is a .gz file to who does not: %s', (accept) => {
    const fields: Record<string, string> = accept === undefined ? {} : { 'accept-encoding': accept }
    const { headers } = plan({ ...gzip, fields })
    expect(headers).toMatchObject({
      'Content-Type': 'application/gzip',
      'Content-Disposition': `attachment; filename="export-${id}.jsonl.gz"`,
      Vary: 'X-Org-Name, X-API-Version, Accept-Encoding',
      ETag: objectEtag(undefined, 'v1'),
    })
    expect(headers).not.toHaveProperty('Content-Encoding')
  })

  test('keeps its own name, with .gz after it', () => {
    expect(plan({ ...gzip, record: { filename: 'audit.jsonl' } }).headers['Content-Disposition']).toBe(
      'attachment; filename="audit.jsonl.gz"',
    )
  })

  test.each([
    ['report.csv', undefined, 'text/csv; charset=utf-8', 'report.csv'],
    ['report.csv.gz', undefined, 'application/gzip', 'report.csv.gz'],
    ['report.csv.GZ', undefined, 'application/gzip', 'report.csv.GZ'],
    ['report.csv.gz.', undefined, 'application/gzip', 'report.csv.gz'],
    ['report.tgz', undefined, 'application/gzip', 'report.tgz'],
    [undefined, 'csv.gz', 'application/gzip', `export-${id}.csv.gz`],
    ['report.csv', 'csv.gz', 'text/csv; charset=utf-8', 'report.csv'],
    ['report.csv.gz', 'csv.gz', 'application/gzip', 'report.csv.gz'],
    ['report.gz.csv', undefined, 'text/csv; charset=utf-8', 'report.gz.csv'],
  ])('named %s, of format %s, is %s as %s to a client that names gzip', (filename, format, type, name) => {
    const record = { format: format ?? 'csv', ...(filename !== undefined && { filename }) }
    const { headers } = plan({ ...gzip, record, fields: { 'accept-encoding': 'gzip' } })
    const isFile = type === 'application/gzip'
    expect(headers).toMatchObject({
      'Content-Type': type,
      'Content-Disposition': `attachment; filename="${name}"`,
      Vary: isFile ? 'X-Org-Name, X-API-Version' : 'X-Org-Name, X-API-Version, Accept-Encoding',
      ETag: objectEtag(undefined, 'v1', isFile ? '' : 'gzip'),
    })
    expect(headers['Content-Encoding']).toBe(isFile ? undefined : 'gzip')
  })

  test.each(['report.csv.gz', 'report.csv.GZ', 'report.tgz', 'report.gzip'])(
    '%s is saved under that name by a client that names no coding, without a second .gz',
    (filename) => {
      const { headers } = plan({ ...gzip, record: { format: 'csv', filename } })
      expect(headers['Content-Disposition']).toBe(`attachment; filename="${filename}"`)
    },
  )

  test('is known by its coding: a tag of the other form is another thing', () => {
    const fields = { 'accept-encoding': 'gzip', 'if-none-match': objectEtag(undefined, 'v1') }
    expect(plan({ ...gzip, fields }).status).toBe(200)
    expect(
      plan({ ...gzip, fields: { ...fields, 'if-none-match': objectEtag(undefined, 'v1', 'gzip') } }),
    ).toEqual({
      status: 304,
      headers: {
        'Cache-Control': 'private, no-store, no-transform',
        Vary: 'X-Org-Name, X-API-Version, Accept-Encoding',
        ETag: objectEtag(undefined, 'v1', 'gzip'),
      },
      ranges: [],
      length: 0,
    })
  })
})

describe('an object that is stored as br or zstd', () => {
  test.each([
    ['br', 'br', '', 'application/jsonl', 'audit.jsonl'],
    ['br', 'gzip', undefined, 'application/octet-stream', 'audit.jsonl.br'],
    ['br', undefined, undefined, 'application/octet-stream', 'audit.jsonl.br'],
    ['zstd', 'gzip, zstd', '', 'application/jsonl', 'audit.jsonl'],
    ['zstd', 'gzip, br', undefined, 'application/zstd', 'audit.jsonl.zst'],
  ] as const)('%s, to a client that accepts %s', (encoding, accept, coded, type, name) => {
    const fields: Record<string, string> = accept === undefined ? {} : { 'accept-encoding': accept }
    const { headers } = plan({ info: { encoding }, record: { filename: 'audit.jsonl' }, fields })
    expect(headers).toMatchObject({
      'Content-Type': type,
      'Content-Disposition': `attachment; filename="${name}"`,
      Vary: 'X-Org-Name, X-API-Version, Accept-Encoding',
      ETag: objectEtag(undefined, 'v1', coded === undefined ? '' : encoding),
    })
    expect(headers['Content-Encoding']).toBe(coded === undefined ? undefined : encoding)
  })

  test.each([
    ['br', 'audit.jsonl.br'],
    ['zstd', 'audit.jsonl.zst'],
    ['zstd', 'audit.jsonl.zstd'],
    ['zstd', 'audit.tzst'],
  ] as const)('%s under the name %s is that file to everyone', (encoding, filename) => {
    const fields = { 'accept-encoding': 'gzip, br, zstd' }
    const { headers } = plan({ info: { encoding }, record: { filename }, fields })
    expect(headers['Content-Disposition']).toBe(`attachment; filename="${filename}"`)
    expect(headers).not.toHaveProperty('Content-Encoding')
  })
})
