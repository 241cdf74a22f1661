import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { acceptsCoding } from '../../src/http/content-codings.ts'

describe('gzip is accepted', () => {
  test.each([
    'gzip',
    'GZIP',
    'x-gzip',
    'X-GZip',
    '*',
    'gzip, deflate, br, zstd',
    'deflate,gzip;q=0.5',
    'gzip;q=1.000',
    'gzip;Q=0.001',
    'gzip ; q=1',
    'identity, gzip;q=0.1',
    'br, *;q=0.1',
    ',gzip,',
    '*;q=0, gzip',
  ])('%s', (value) => {
    expect(acceptsCoding(value, 'gzip')).toBe(true)
  })
})

describe('gzip is not accepted', () => {
  test.each([
    undefined,
    '',
    ',',
    'identity',
    'br',
    'gzip;q=0',
    'gzip;q=0.000',
    'x-gzip;q=0',
    '*;q=0',
    'gzip;q=0, *',
    'gzip, x-gzip;q=0',
    '*, *;q=0',
    'gzipped',
    'gzip;q=2',
    'gzip;q=1.001',
    'gzip;q=0.0000',
    'gzip;q=-1',
    'gzip;q=',
    'gzip;level=9',
    'gzip q=1',
    'gzip, (broken',
    `gzip${', br'.repeat(400)}`,
  ])('%j', (value) => {
    expect(acceptsCoding(value, 'gzip')).toBe(false)
  })
})

test.each([
  ['br', 'gzip, deflate, br, zstd', true],
  ['zstd', 'gzip, deflate, br, zstd', true],
  ['br', 'BR;q=0.1', true],
  ['zstd', '*', true],
  ['br', 'gzip, deflate', false],
  ['zstd', 'gzip, br', false],
  ['br', 'br;q=0, *', false],
  ['br', 'x-br', false],
  ['zstd', undefined, false],
] as const)('%s, by %s: %s', (coding, value, accepted) => {
  expect(acceptsCoding(value, coding)).toBe(accepted)
})

test('no text throws, and only text with gzip or * is accepted', () => {
  const codingLike = fc.string({
    unit: fc.constantFrom('gzip', 'x-', '*', 'br', ',', ' ', ';', 'q=', '0', '1', '.'),
  })
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), codingLike), (text) => {
      expect(!acceptsCoding(text, 'gzip') || /gzip|\*/i.test(text)).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})
