import { expect, test } from 'vitest'

import { isUnchanged } from '../../src/filesystem/open-file.ts'

const before = { size: 10n, mtimeNs: 100n, ctimeNs: 100n, nlink: 1n }

test.each([
  ['nothing', {}, true],
  ['its size', { size: 11n }, false],
  ['its modification time, by a nanosecond', { mtimeNs: 101n }, false],
  ['its modification time, backwards', { mtimeNs: 99n }, false],
  ['its change time alone', { ctimeNs: 101n }, false],
  ['its last name and its change time', { nlink: 0n, ctimeNs: 101n }, true],
  ['a new name and its change time', { nlink: 2n, ctimeNs: 101n }, false],
  ['a name and its size', { nlink: 0n, ctimeNs: 101n, size: 9n }, false],
  ['a name and its modification time', { nlink: 0n, ctimeNs: 101n, mtimeNs: 101n }, false],
])('what changed: %s', (_, change, unchanged) => {
  expect(isUnchanged(before, { ...before, ...change })).toBe(unchanged)
})
