import { describe, expect, test } from 'vitest'

import { parseUuid } from '../../src/http/uuid.ts'

const id = '8f14e45f-ceea-467f-9a3b-0c1d2e3f4a5b'

describe('an id', () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 'f'])('version %s', (version) => {
    const uuid = `8f14e45f-ceea-${version}67f-9a3b-0c1d2e3f4a5b`
    expect(parseUuid(uuid)).toBe(uuid)
  })

  test.each(['0', '7', '8', '9', 'a', 'b', 'c', 'f', 'A', 'B', 'F'])('variant %s', (variant) => {
    const uuid = `8f14e45f-ceea-467f-${variant}a3b-0c1d2e3f4a5b`
    expect(parseUuid(uuid)).toBe(uuid.toLowerCase())
  })

  test('upper case becomes lower case', () => {
    expect(parseUuid(id.toUpperCase())).toBe(id)
  })
})

test.each([
  ['the nil UUID', '00000000-0000-0000-0000-000000000000'],
  ['the max UUID', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
  ['the max UUID in upper case', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'],
  ['braces', `{${id}}`],
  ['a URN', `urn:uuid:${id}`],
  ['no hyphens', id.replaceAll('-', '')],
  ['a line break', `${id}\n`],
  ['a space', ` ${id}`],
  ['nothing', ''],
  ['a path', '../../etc/passwd'],
])('%s is none', (_, text) => {
  expect(parseUuid(text)).toBeUndefined()
})
