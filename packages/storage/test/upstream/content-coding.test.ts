import { expect, test } from 'vitest'

import { readContentEncoding } from '../../src/upstream/content-coding.ts'

test.each<[string | undefined, string | undefined, string]>([
  [undefined, undefined, ''],
  ['', undefined, ''],
  ['identity', undefined, ''],
  ['gzip', 'gzip', ''],
  ['GZIP', 'gzip', ''],
  ['x-gzip', 'gzip', ''],
  ['X-GZip', 'gzip', ''],
  [' gzip\t', 'gzip', ''],
  ['br', 'br', ''],
  ['zstd', 'zstd', ''],
  ['aws-chunked', undefined, ''],
  ['aws-chunked,gzip', 'gzip', ''],
  ['gzip,aws-chunked', 'gzip', ''],
  ['AWS-Chunked, GZIP', 'gzip', ''],
  ['identity, br', 'br', ''],
  [',gzip,', 'gzip', ''],
  ['utf-8', undefined, 'utf-8'],
  ['UTF8', undefined, 'utf8'],
  ['utf-8, gzip', 'gzip', 'utf-8'],
  ['binary', undefined, 'binary'],
  ['none', undefined, 'none'],
  ['text/csv; charset=utf-8', undefined, 'text/csv; charset=utf-8'],
  ['constructor', undefined, 'constructor'],
  ['a\u0000\u00e9', undefined, 'a??'],
  ['x'.repeat(100), undefined, 'x'.repeat(64)],
])('%j is the coding %s, and ignores %j', (field, coding, ignored) => {
  expect(readContentEncoding(field)).toEqual({ ...(coding !== undefined && { coding }), ignored })
})

test.each(['deflate', 'Compress', 'x-compress', 'dcb', 'gzip, gzip', 'br, gzip', 'utf-8, deflate'])(
  '%j is a coding, or several, that are not served',
  (field) => {
    expect(readContentEncoding(field)).toBeUndefined()
  },
)
