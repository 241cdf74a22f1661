import { expect, test } from 'vitest'

import { byteranges } from '../../src/delivery/byteranges.ts'
import { frameByteranges } from '../../src/http/multipart-byteranges.ts'
import type { ByteRange } from '../../src/ports.ts'
import { drain } from './sources.ts'

const text = 'abcdefghij'
const read = async function* read({ first, last }: ByteRange): AsyncGenerator<Uint8Array> {
  for (let at = first; at <= last; at++) yield Buffer.from(text.charAt(at))
}

test('parts stand between their heads and the tail, and fill the length to the byte', async () => {
  const ranges = [
    { first: 7, last: 9 },
    { first: 0, last: 1 },
  ]
  const frame = frameByteranges(ranges, text.length, 'text/csv', 'limit')
  const { bytes } = await drain(byteranges(ranges, frame, read))
  expect(bytes.toString()).toBe(
    '--limit\r\nContent-Type: text/csv\r\nContent-Range: bytes 7-9/10\r\n\r\nhij' +
      '\r\n--limit\r\nContent-Type: text/csv\r\nContent-Range: bytes 0-1/10\r\n\r\nab' +
      '\r\n--limit--\r\n',
  )
  expect(bytes.length).toBe(frame.length)
})

test('a part that fails ends the whole, and those after it are not read', async () => {
  const ranges = [0, 1, 2].map((at) => ({ first: at, last: at }))
  const asked: number[] = []
  const failing = async function* failing(range: ByteRange): AsyncGenerator<Uint8Array> {
    asked.push(range.first)
    if (range.first === 1) throw new Error('cut')
    yield* read(range)
  }
  const frame = frameByteranges(ranges, text.length, 'text/csv', 'limit')
  const { error } = await drain(byteranges(ranges, frame, failing))
  expect([error, asked]).toEqual([new Error('cut'), [0, 1]])
})
