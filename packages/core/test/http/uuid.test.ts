import { describe, expect, test } from 'vitest'

import { parseUuid } from '../../src/http/uuid.ts'

const id = '8f14e45f-ceea-467f-9a3b-0c1d2e3f4a5b'

describe('an id', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('version %d', (version) => {
    const uuid = `8f14e45f-ceea-${version}67f-9a3b-0c1d2e3f4a5b`
    expect(parseUuid(uuid)).toBe(uuid)
  })

  test.each(['8', '9', 'a', 'b', 'A', 'B'])('variant %s', (variant) => {
    const uuid = `8f14e45f-ceea-467f-${variant}a3b-0c1d2e3f4a5b`
    expect(parseUuid(uuid)).toBe(uuid.toLowerCase())
  })

  test('upper case becomes lower case', () => {
    expect(parseUuid(id.toUpperCase())).toBe(id)
  })
})

test.each([
  ['version 0', '8f14e45f-ceea-067f-9a3b-0c1d2e3f4a5b'],
  ['version 9', '8f14e45f-ceea-967f-9a3b-0c1d2e3f4a5b'],
  ['another variant', '8f14e45f-ceea-467f-ca3b-0c1d2e3f4a5b'],
  ['the nil UUID', '00000000-0000-0000-0000-000000000000'],
  ['the max UUID', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
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
