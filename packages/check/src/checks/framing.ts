import { type Check, fail, must, pass, skip } from '../check.ts'
import { field, isAnswer } from '../exchange.ts'
import { readContentRange, readLength } from '../fields.ts'

/** Where a body ends, and how a client notices that it is not whole. */
export const framing: readonly Check[] = [
  {
    id: 'framing.answered',
    title: 'Every request gets a response',
    reference: 'RFC 9110 §3.4',
    consequence: 'It reports a network error and tries again without end.',
    judge: (_, { exchanges }) => {
      const lost = exchanges.flatMap((one) => (!isAnswer(one) && one.outcome === 'no_answer' ? [one] : []))
      const [first] = lost
      return first === undefined
        ? pass('all requests got a response')
        : fail(`${lost.length} without a response; first: ${first.probe} (${first.reason})`)
    },
  },
  {
    id: 'framing.complete',
    title: 'A body is as long as Content-Length says',
    reference: 'RFC 9112 §8',
    consequence: 'It reports a broken download and asks again for the same bytes.',
    judge: (_, { exchanges }) => {
      const first = exchanges.filter(isAnswer).find(({ end }) => end === 'broken')
      return first === undefined
        ? pass('no body ended early')
        : fail(`the connection ended in the body of ${first.probe}, after ${first.bytes} bytes`)
    },
  },
  {
    id: 'framing.length-syntax',
    title: 'Content-Length is one number',
    reference: 'RFC 9110 §8.6',
    consequence: 'Proxy and client disagree about where the body ends.',
    judge: (get) => {
      const length = field(get, 'content-length')
      if (length === undefined) return skip('the response has no Content-Length')
      return must(readLength(length) !== undefined, length, `Content-Length: ${length}`)
    },
  },
  {
    id: 'framing.length',
    title: 'A download has Content-Length',
    reference: 'RFC 9112 §6.3',
    consequence: 'It shows no progress, and behind an HTTP/1.0 hop it keeps a truncated file as complete.',
    isOurs: true,
    judge: (get) =>
      must(get.fields.has('content-length'), 'Content-Length is there', 'the 200 has no Content-Length'),
  },
  {
    id: 'framing.same-length',
    title: 'Every response tells the same size',
    reference: 'RFC 9110 §8.6',
    consequence: 'It appends the rest of one file to the beginning of another.',
    after: ['framing.length-syntax'],
    judge: (_, evidence) => {
      const whole = [evidence.get, evidence.answer('again'), evidence.answer('ifNoneMatchOther')]
      const ranges = [evidence.answer('firstRange'), evidence.answer('middleRange')]
      const sizes = [
        ...whole.map((one) => (one?.status === 200 ? readLength(field(one, 'content-length')) : undefined)),
        ...ranges.map((one) =>
          one?.status === 206 ? readContentRange(field(one, 'content-range'))?.total : undefined,
        ),
      ].filter((size) => size !== undefined)
      const different = [...new Set(sizes)]
      if (different.length === 0) return skip('no response tells the size')
      return must(different.length === 1, `${different[0]} bytes`, `sizes: ${different.join(', ')}`)
    },
  },
]
