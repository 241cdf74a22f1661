import { type Check, fail, must, pass, skip } from '../check.ts'
import { type Answer, field } from '../exchange.ts'
import { type ContentRange, readContentRange } from '../fields.ts'
import { middleOf, suffixOf } from '../probes.ts'

const rangeOf = (answer: Answer): ContentRange => readContentRange(field(answer, 'content-range')) ?? {}

const named = ({ first, last, total }: ContentRange): string =>
  first === undefined ? 'no Content-Range' : `bytes ${first}-${last}/${total ?? '*'}`

/** Whether the kept bytes agree with what is known of the export. */
function agrees({ body }: Answer, first: number, sample: Uint8Array): boolean {
  const known = sample.subarray(first, first + body.length)
  return Buffer.from(body.subarray(0, known.length)).equals(known)
}

const notRange = ({ status }: Answer): boolean => status !== 206

const honoured = ['ranges.as-advertised', 'ranges.supported']

/** Parts of an export: what resuming and parallel clients need. */
export const ranges: readonly Check[] = [
  {
    id: 'ranges.as-advertised',
    title: 'A range is answered with 206 if Accept-Ranges promises it',
    reference: 'RFC 9110 §14.3',
    consequence: 'It appends the whole file to the part that it has.',
    probe: 'firstRange',
    judge: (range, { get }) => {
      const advertised = /\bbytes\b/i.test(field(get, 'accept-ranges') ?? '')
      if (range.status === 206) return pass('206')
      if (range.status !== 200) return fail(`a range is answered with ${range.status}`)
      return must(!advertised, 'no ranges are promised', 'Accept-Ranges: bytes, but 200 with the whole file')
    },
  },
  {
    id: 'ranges.supported',
    title: 'Ranges are served',
    reference: 'RFC 9110 §14.2',
    consequence: 'After a broken connection it starts again from the first byte.',
    isOurs: true,
    after: ['ranges.as-advertised'],
    probe: 'firstRange',
    judge: ({ status }) => must(status === 206, '206', `a range is answered with ${status}`),
  },
  {
    id: 'ranges.content-range',
    title: 'Content-Range begins and ends where the request said',
    reference: 'RFC 9110 §14.4',
    consequence: 'It writes the bytes to the wrong place.',
    after: honoured,
    probe: 'middleRange',
    judge: (range, evidence) => {
      if (notRange(range)) return skip(`answered with ${range.status}`)
      const [first, last] = middleOf(evidence)
      const got = rangeOf(range)
      const right = got.first === first && got.last === last
      return must(right, named(got), `asked for ${first}-${last}, got ${named(got)}`)
    },
  },
  {
    id: 'ranges.length',
    title: 'The body of a 206 has the length of its range',
    reference: 'RFC 9110 §15.3.7',
    consequence: 'It has a gap or an overlap in its file.',
    after: [...honoured, 'ranges.content-range', 'framing.complete'],
    probe: 'middleRange',
    judge: (range) => {
      const { first, last } = rangeOf(range)
      if (notRange(range) || first === undefined || last === undefined)
        return skip(`answered with ${range.status}`)
      const wanted = last - first + 1
      return must(range.bytes === wanted, `${wanted} bytes`, `${range.bytes} bytes for a range of ${wanted}`)
    },
  },
  {
    id: 'ranges.same-bytes',
    title: 'A range has the bytes of the whole file',
    reference: 'RFC 9110 §14.2',
    consequence: 'It keeps a corrupt file.',
    after: [...honoured, 'ranges.content-range', 'ranges.length'],
    probe: 'middleRange',
    judge: (range, { answer, sample }) => {
      const answers = [range, answer('firstRange')].filter((one) => one?.status === 206)
      const differs = answers.find((one) => one && !agrees(one, rangeOf(one).first ?? 0, sample))
      return must(differs === undefined, 'the same', `${differs?.probe} has other bytes than the whole file`)
    },
  },
  {
    id: 'ranges.suffix',
    title: 'bytes=-n gives the last n bytes',
    reference: 'RFC 9110 §14.1.2',
    consequence: 'A reader of archives and Parquet files finds no directory at the end.',
    after: [...honoured, 'ranges.content-range'],
    probe: 'suffixRange',
    judge: (range, evidence) => {
      const got = rangeOf(range)
      if (notRange(range)) return fail(`answered with ${range.status}`)
      if (evidence.size === undefined) return skip('the size is unknown')
      const first = evidence.size - suffixOf(evidence)
      if (got.first !== first || got.last !== evidence.size - 1) return fail(`got ${named(got)}`)
      const whole = evidence.answer('whole') ?? evidence.get
      const isTail = Buffer.from(whole.tail.subarray(-range.body.length)).equals(range.body)
      if (whole.end === 'complete' && whole.bytes === evidence.size && !isTail)
        return fail('other bytes than the end of the whole file')
      const open = evidence.answer('openRange')
      const same =
        open?.status !== 206 || open.bytes !== range.bytes || Buffer.from(open.body).equals(range.body)
      return must(same, named(got), 'other bytes than an open-ended range to the same end')
    },
  },
  {
    id: 'ranges.open-ended',
    title: 'bytes=n- gives all bytes from n',
    reference: 'RFC 9110 §14.1.2',
    consequence: 'Its resume fails or leaves the end of the file out.',
    after: [...honoured, 'ranges.content-range'],
    probe: 'openRange',
    judge: (range, { size = 0 }) => {
      const got = rangeOf(range)
      const right = range.status === 206 && got.last === size - 1
      return must(right, named(got), `answered with ${range.status}, ${named(got)}`)
    },
  },
  {
    id: 'ranges.past-end',
    title: 'A range that ends behind the file is cut at its end',
    reference: 'RFC 9110 §14.1.2',
    consequence: 'A client that reads in blocks fails at the last one.',
    after: [...honoured, 'ranges.content-range'],
    probe: 'pastEndRange',
    judge: (range, { size = 0 }) => {
      const got = rangeOf(range)
      const right = range.status === 206 && got.first === size - 1 && got.last === size - 1
      return must(right, named(got), `answered with ${range.status}, ${named(got)}`)
    },
  },
  {
    id: 'ranges.unsatisfiable',
    title: 'A range behind the end is answered with 416',
    reference: 'RFC 9110 §15.5.17',
    consequence: 'A client that has the whole file appends to it.',
    after: honoured,
    probe: 'beyondRange',
    judge: ({ status }) => must(status === 416, '416', `answered with ${status}`),
  },
  {
    id: 'ranges.unsatisfiable-size',
    title: 'A 416 tells the size',
    reference: 'RFC 9110 §14.4',
    consequence: 'It cannot tell whether its file is complete, and starts again.',
    after: [...honoured, 'ranges.unsatisfiable'],
    probe: 'beyondRange',
    judge: (answer, { size }) => {
      const value = field(answer, 'content-range')
      const { total } = rangeOf(answer)
      const right = total !== undefined && total === (size ?? total)
      return must(right, value ?? '', value === undefined ? 'no Content-Range' : `Content-Range: ${value}`)
    },
  },
  {
    id: 'ranges.unknown-unit',
    title: 'A range of an unknown unit is ignored',
    reference: 'RFC 9110 §14.2',
    consequence: 'It gets other bytes than it asked for.',
    probe: 'unknownUnit',
    judge: ({ status }) => must(status === 200, '200', `items=0-9 is answered with ${status}`),
  },
  {
    id: 'ranges.malformed',
    title: 'A malformed range is ignored or refused',
    reference: 'RFC 9110 §14.2',
    consequence: 'It gets bytes that it did not ask for, or an error of the server.',
    probe: 'malformedRange',
    judge: ({ status }) =>
      must([200, 400, 416].includes(status), String(status), `bytes=9-0 is answered with ${status}`),
  },
  {
    id: 'ranges.several',
    title: 'Several ranges are sent as multipart/byteranges, or whole, or refused',
    reference: 'RFC 9110 §15.3.7.2',
    consequence: 'It takes the separators for bytes of the file.',
    after: honoured,
    probe: 'severalRanges',
    judge: (answer) => {
      if (answer.status === 200 || answer.status === 416) return pass(String(answer.status))
      if (answer.status !== 206) return fail(`answered with ${answer.status}`)
      const type = field(answer, 'content-type') ?? ''
      const isMultipart = /^multipart\/byteranges/i.test(type)
      const hasRange = answer.fields.has('content-range')
      if (isMultipart === hasRange)
        return fail(`Content-Type: ${type}, ${hasRange ? 'with' : 'without'} Content-Range`)
      return must(
        !isMultipart || /;\s*boundary=/i.test(type),
        type,
        'multipart/byteranges without a boundary',
      )
    },
  },
]
