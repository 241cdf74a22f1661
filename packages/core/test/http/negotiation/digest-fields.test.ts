import { createHash } from 'node:crypto'

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { formatReprDigest, wantsSha256 } from '../../../src/http/negotiation.ts'

describe('Repr-Digest', () => {
  test('the example of RFC 9530, Appendix B', () => {
    const hex = createHash('sha256').update('{"hello": "world"}\n').digest('hex')
    expect(formatReprDigest(hex)).toBe('sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:')
  })

  test.each([
    '',
    'abc',
    '0'.repeat(63),
    '0'.repeat(65),
    `${'0'.repeat(63)}g`,
    `${'0'.repeat(64)}\n`,
    `${'0'.repeat(64)}-2`,
  ])('not sent for %j', (hex) => {
    expect(formatReprDigest(hex)).toBeUndefined()
  })

  test('any 32 bytes, in either case', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (octets) => {
        const field = `sha-256=:${Buffer.from(octets).toString('base64')}:`
        expect(formatReprDigest(Buffer.from(octets).toString('hex'))).toBe(field)
        expect(formatReprDigest(Buffer.from(octets).toString('hex').toUpperCase())).toBe(field)
      }),
    )
  })
})

describe('Want-Repr-Digest', () => {
  test.each([
    [undefined, true],
    ['', true],
    ['sha-256=1', true],
    ['sha-256=10', true],
    ['sha-512=3, sha-256=10, unixsum=0', true],
    ['sha-512=3', true],
    ['sha-256=0', false],
    ['sha-512=10, sha-256=0', false],
    ['sha-512=10,\tsha-256=0 ;x=1', false],
    ['sha-256=00', false],
    ['sha-256=5, sha-256=0', false],
    ['sha-256=0, sha-256=5', true],
    ['sha-256', true],
    ['sha-256=', true],
    ['sha-256=0.0', true],
    ['sha-256=-1', true],
    ['sha-256=?0', true],
    ['SHA-256=0', true],
    ['sha-256=0, sha-512=11', true],
    ['sha-256=0, !', true],
    ['sha-256 = 0', true],
    [`sha-256=0,${' '.repeat(2_000)}`, true],
  ])('%j: %s', (value, wanted) => {
    expect(wantsSha256(value)).toBe(wanted)
  })

  test('no text throws', () => {
    const wishLike = fc.string({ unit: fc.constantFrom('sha-256', '=', '0', '5', ',', ' ', ';', 'a', '"') })
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), wishLike), (text) => {
        expect(wantsSha256(text) || text.includes('sha-256=0')).toBe(true)
        expect(formatReprDigest(text)).toBeUndefined()
      }),
      { numRuns: 2_000 },
    )
  })
})
