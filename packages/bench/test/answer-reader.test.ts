import { expect, test } from 'vitest'

import { createAnswerReader, type ReadAnswer } from '../src/answer-reader.ts'

const wire = Buffer.from(
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello' +
    'HTTP/1.1 404 Not Found\r\ncontent-length:0\r\nX: y\r\n\r\n' +
    'HTTP/1.1 206 Partial Content\r\nA: b\r\nCONTENT-LENGTH: 3\r\n\r\nabc',
)
const answers = [
  { status: 200, length: 5 },
  { status: 404, length: 0 },
  { status: 206, length: 3 },
]

test('reads answers whatever pieces they come in, out of a buffer that is used again', () => {
  for (let size = 1; size <= wire.length; size++) {
    const read: ReadAnswer[] = []
    const take = createAnswerReader((answer) => read.push(answer))
    const reused = Buffer.alloc(size)
    for (let at = 0; at < wire.length; at += size) {
      const count = wire.copy(reused, 0, at, at + size)
      take(reused.subarray(0, count))
    }
    expect(read).toEqual(answers)
  }
})

test('refuses an answer whose end it cannot tell', () => {
  const take = createAnswerReader(() => undefined)
  expect(() => take(Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'))).toThrow(
    'Content-Length',
  )
})

test('a response to a HEAD has no body', () => {
  const read: ReadAnswer[] = []
  const take = createAnswerReader(
    (answer) => read.push(answer),
    () => true,
  )
  take(
    Buffer.from(
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n',
    ),
  )
  expect(read).toEqual([
    { status: 200, length: 5 },
    { status: 404, length: 9 },
  ])
})
