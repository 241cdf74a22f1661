import { describe, expect, test } from 'vitest'

import type { ObjectInfo } from '../../src/ports.ts'
import { checkObject } from '../../src/steps/check-object.ts'
import { refused } from './refused.ts'

const sha256 = 'AB'.repeat(32)
const info: ObjectInfo = { size: 5, validator: 'v1', lastModified: new Date(1_999) }

describe('what a store says', () => {
  test.each<[string, object | undefined | null]>([
    ['nothing', undefined],
    ['null', null],
    ['no size', { validator: 'v1' }],
    ['a size in text', { ...info, size: '5' }],
    ['a size below 0', { ...info, size: -1 }],
    ['a size beyond exact numbers', { ...info, size: 2 ** 53 }],
    ['no validator', { ...info, validator: undefined }],
    ['an empty validator', { ...info, validator: '' }],
    ['a date in text', { ...info, lastModified: '2026-01-01' }],
    ['an invalid date', { ...info, lastModified: new Date(Number.NaN) }],
    ['a checksum in base64', { ...info, sha256: 'q6urq6s=' }],
    ['a checksum in an array', { ...info, sha256: [sha256] }],
    ['another coding', { ...info, encoding: 'deflate' }],
  ])('%s is malformed', (_, said) => {
    expect(refused(() => checkObject(said as ObjectInfo, undefined))).toEqual({
      kind: 'upstream_error',
      trouble: 'info_malformed',
    })
  })

  test.each<ObjectInfo>([
    { size: 0, validator: 'v' },
    info,
    { ...info, sha256 },
    { ...info, encoding: 'gzip' },
  ])('%j is taken as it is', (said) => {
    expect(checkObject(said, undefined)).toBe(said)
  })
})

describe('what the record knows', () => {
  test.each<[string, Partial<ObjectInfo>, ObjectInfo]>([
    ['nothing', {}, info],
    ['the size', { size: 5 }, info],
    ['all', { size: 5, validator: 'v1', lastModified: new Date(1_999) }, info],
    ['the second of the change', { lastModified: new Date(1_000) }, info],
    ['a date that the store does not tell', { lastModified: new Date(0) }, { size: 5, validator: 'v1' }],
    ['the checksum in another case', { sha256 }, { ...info, sha256: sha256.toLowerCase() }],
    ['that it is coded', { encoding: 'gzip' }, { ...info, encoding: 'gzip' }],
    ['nothing of a coding', { size: 5 }, { ...info, encoding: 'gzip' }],
  ])('agrees: %s', (_, recorded, said) => {
    expect(checkObject(said, recorded)).toMatchObject({ size: 5, validator: 'v1' })
  })

  test.each<[string, Partial<ObjectInfo>, ObjectInfo]>([
    ['another size', { size: 6 }, info],
    ['another validator', { validator: 'v2' }, info],
    ['a validator that begins alike', { validator: 'v' }, info],
    ['another second of change', { lastModified: new Date(2_000) }, info],
    ['another checksum', { sha256: 'cd'.repeat(32) }, { ...info, sha256 }],
    ['a coding', { encoding: 'gzip' }, info],
    ['all but the coding', { size: 5, validator: 'v1' }, { ...info, encoding: 'gzip' }],
  ])('disagrees: %s', (_, recorded, said) => {
    expect(refused(() => checkObject(said, recorded))).toEqual({
      kind: 'upstream_error',
      trouble: 'record_stale',
    })
  })

  test('lends its checksum to a store that has none', () => {
    expect(checkObject(info, { sha256 })).toEqual({ ...info, sha256: sha256.toLowerCase() })
  })
})
