import fc from 'fast-check'
import { expect, test } from 'vitest'

import { byteranges } from '../../src/delivery/export-bytes.ts'
import { frameByteranges, longestPart } from '../../src/http/byte-range.ts'
import type { ByteRange } from '../../src/ports.ts'
import { drain } from './sources.ts'

const text = 'abcdefghij'
const read = async function* read({ first, last }: ByteRange): AsyncGenerator<Uint8Array> {
  for (let at = first; at <= last; at++) yield Buffer.from(text.charAt(at))
}

test('every part follows its head, the tail is last, and the length is exact', async () => {
  const ranges = [
    { first: 7, last: 9 },
    { first: 0, last: 1 },
  ]
  const frame = frameByteranges(ranges, text.length, 'text/csv', 'limit')
  const { bytes, lengths } = await drain(byteranges(ranges, frame, read))
  expect(bytes.toString()).toBe(
    '--limit\r\nContent-Type: text/csv\r\nContent-Range: bytes 7-9/10\r\n\r\nhij' +
      '\r\n--limit\r\nContent-Type: text/csv\r\nContent-Range: bytes 0-1/10\r\n\r\nab' +
      '\r\n--limit--\r\n',
  )
  expect([bytes.length, lengths.length]).toEqual([frame.length, 3])
})

test('no chunk begins with bytes of the export, however the store splits them', async () => {
  const size = 20_000_000
  const ranges = [
    { first: 99_000, last: 400_000 },
    { first: 9_999_990, last: 10_000_010 },
  ]
  const frame = frameByteranges(ranges, size, 'text/csv', 'limit')
  const cell = Buffer.from('HTTP/1.1 200 OK\r\n')
  const cells = async function* cells({ first, last }: ByteRange): AsyncGenerator<Uint8Array> {
    for (let at = first; at <= last; at += 7_001) yield Buffer.alloc(Math.min(7_001, last - at + 1), cell)
  }
  let sent = 0
  for await (const chunk of byteranges(ranges, frame, cells)) {
    const delimiter = Buffer.from(chunk.subarray(0, 9)).toString()
    expect(delimiter).toBe(sent === 0 ? '--limit\r\n' : '\r\n--limit')
    expect(chunk.length).toBeLessThanOrEqual(65_536)
    sent += chunk.length
  }
  expect(sent).toBe(frame.length)
})

test('the length is the sum of all parts, also if a range is split into many', () => {
  const position = fc.oneof(fc.nat(100_000_000), fc.nat(2 ** 52))
  const bytes = fc.oneof(fc.integer({ min: 1, max: 3 * longestPart }), fc.nat({ max: 40_000_000 }))
  fc.assert(
    fc.property(fc.array(fc.tuple(position, bytes), { minLength: 1, maxLength: 3 }), (asked) => {
      const ranges = asked.map(([first, more]) => ({ first, last: first + more }))
      const frame = frameByteranges(ranges, 2 ** 53, 'text/csv', 'limit')
      let length = frame.tail.length
      let isFirst = true
      for (const { first, last } of ranges) {
        for (let at = first; at <= last; at += longestPart) {
          const part = { first: at, last: Math.min(last, at + longestPart - 1) }
          length += frame.head(part, isFirst).length + part.last - part.first + 1
          isFirst = false
        }
      }
      expect(frame.length).toBe(length)
    }),
  )
})

test('a part that fails ends the body, and later parts are not read', async () => {
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
