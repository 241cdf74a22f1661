import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'

import { expect, test } from 'vitest'

import { openProgress } from '../src/progress.ts'

test.each([
  ['a terminal sees the bytes', true, '50% | 500 of 1000 bytes'],
  ['a file sees nothing', false, ''],
])('%s', async (_, isTTY, shown) => {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 120 })
  const progress = openProgress(stream)
  progress.update(0, 1_000)
  progress.update(500, 1_000)
  progress.stop()
  stream.end()
  const printed = await text(stream)
  expect(printed).toContain(shown)
  expect(printed === '').toBe(!isTTY)
})
