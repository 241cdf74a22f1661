import { describe, expect, test } from 'vitest'

import type { ExportRecord, ReadyRecord } from '../../src/catalogue.ts'
import { checkRecord } from '../../src/steps/check-record.ts'
import { acme } from './principals.ts'
import { causeOf, refused } from './refused.ts'

const exportId = '0f0e0d0c-0b0a-4908-8706-050403020100'
const query = { exportId, tenant: acme }
const now = 1_000
const record: ExportRecord = { id: exportId, tenantId: acme.id, key: 'k', format: 'jsonl', state: 'ready' }
const check = (changes: object): ReadyRecord => checkRecord({ ...record, ...changes }, query, now, undefined)

describe('a record that is good', () => {
  test.each<[string, object]>([
    ['with nothing more', {}],
    ['with a filename', { filename: 'audit.jsonl' }],
    ['with an empty filename', { filename: '' }],
    ['of a compressed format', { format: 'jsonl.gz' }],
    ['of a format with three extensions', { format: 'csv.gz.gpg' }],
    ['of a format in upper case', { format: 'CSV.GZ' }],
    ['that knows nothing of its object', { object: {} }],
    [
      'that knows all of its object',
      {
        object: {
          size: 0,
          validator: 'v',
          lastModified: new Date(0),
          sha256: 'aB'.repeat(32),
          encoding: 'gzip',
        },
      },
    ],
  ])('%s', (_, changes) => {
    expect(check(changes)).toMatchObject({ id: exportId, ...changes })
  })
})

test('a record that expires later is good', () => {
  expect(check({ expiresAt: new Date(now + 1) })).toEqual({ id: exportId, key: 'k', format: 'jsonl' })
})

test('null is absence, wherever a member may be absent', () => {
  const none = { size: null, validator: null, lastModified: null, sha256: null, encoding: null }
  expect(check({ expiresAt: null, filename: null, object: null })).toEqual({
    id: exportId,
    key: 'k',
    format: 'jsonl',
  })
  expect(check({ object: none })).toEqual({ id: exportId, key: 'k', format: 'jsonl', object: {} })
})

test.each(['id', 'tenantId', 'key', 'format', 'state'])('%s may not be null', (member) => {
  expect(() => check({ [member]: null })).toThrow(/^(?:export_not_found|upstream_error)$/)
})

describe('a record that is missing or another one', () => {
  test.each([undefined, null])('%s', (nothing) => {
    expect(refused(() => checkRecord(nothing, query, now, undefined))).toEqual({ kind: 'export_not_found' })
  })

  test('an id of the host in upper case is another one; a UUID in upper case is the same', () => {
    const upper = { ...record, id: exportId.toUpperCase() }
    expect(refused(() => checkRecord(upper, query, now, /.+/))).toMatchObject({
      trouble: 'record_mismatch',
    })
    expect(checkRecord(upper, query, now, undefined)).toMatchObject({ key: 'k' })
  })

  test.each([[exportId], 5, null, `{${exportId}}`])('an id of %j is another one', (id) => {
    expect(refused(() => check({ id }))).toMatchObject({ trouble: 'record_mismatch' })
  })

  test.each<[string, object]>([
    ['another id', { id: exportId.replace('0f', '0e') }],
    ['the id without hyphens', { id: exportId.replaceAll('-', '') }],
    ['the id in braces', { id: `{${exportId}}` }],
    ['the id behind a space', { id: ` ${exportId}` }],
    ['the id as an object', { id: { toString: () => exportId } }],
    ['no id', { id: undefined }],
    ["another tenant's", { tenantId: 't-globex' }],
    ["nobody's", { tenantId: undefined }],
    ["another tenant's, and not ready", { tenantId: 't-globex', state: 'pending' }],
    ["another tenant's, and malformed", { tenantId: 't-globex', key: '' }],
  ])('%s', (_, changes) => {
    expect(refused(() => check(changes))).toEqual({
      kind: 'export_not_found',
      trouble: 'record_mismatch',
    })
  })
})

describe('a record that cannot be served', () => {
  test.each<[string, object]>([
    ['export_pending', { state: 'pending' }],
    ['export_pending', { state: 'pending', key: undefined, format: undefined }],
    ['export_failed', { state: 'failed' }],
    ['export_expired', { expiresAt: new Date(now) }],
    ['export_expired', { expiresAt: new Date(0) }],
  ])('%s: %j', (kind, changes) => {
    expect(refused(() => check(changes))).toEqual({ kind })
  })

  test('a clock that is broken does not lengthen its life', () => {
    const expiring = { ...record, expiresAt: new Date(now) }
    expect(refused(() => checkRecord(expiring, query, Number.NaN, undefined))).toEqual({
      kind: 'export_expired',
    })
  })
})

describe('a record that is malformed', () => {
  test.each<[object, string]>([
    [{ state: undefined }, 'state'],
    [{ state: 'READY' }, 'state'],
    [{ key: undefined }, 'key'],
    [{ key: '' }, 'key'],
    [{ key: ['k'] }, 'key'],
    [{ format: undefined }, 'format'],
    [{ format: '' }, 'format'],
    [{ format: '../x' }, 'format'],
    [{ format: 'a.b.c.d' }, 'format'],
    [{ format: 'a.' }, 'format'],
    [{ format: 'a..b' }, 'format'],
    [{ format: 'a.b.ninechars' }, 'format'],
    [{ format: 'jsonl\r\n' }, 'format'],
    [{ format: 'a'.repeat(17) }, 'format'],
    [{ expiresAt: '2099-01-01' }, 'expiresAt'],
    [{ expiresAt: new Date(Number.NaN) }, 'expiresAt'],
    [{ filename: 5 }, 'filename'],
    [{ object: 5 }, 'object'],
    [{ object: { size: '5' } }, 'object.size'],
    [{ object: { size: -1 } }, 'object.size'],
    [{ object: { validator: '' } }, 'object.validator'],
    [{ object: { lastModified: 0 } }, 'object.lastModified'],
    [{ object: { sha256: 'ab' } }, 'object.sha256'],
    [{ object: { sha256: ['ab'.repeat(32)] } }, 'object.sha256'],
    [{ object: { encoding: 'deflate' } }, 'object.encoding'],
  ])('%j', (changes, member) => {
    expect(refused(() => check(changes))).toEqual({
      kind: 'upstream_error',
      trouble: 'record_malformed',
    })
    expect(causeOf(() => check(changes))).toMatch(new RegExp(` needs an? ${member} `))
  })
})
