import { type Check, fail, must } from '../check.ts'
import { field } from '../exchange.ts'
import { readContentRange } from '../fields.ts'

const after = ['ranges.as-advertised', 'ranges.supported', 'validators.etag-syntax', 'validators.stable']

/** Resuming only if the export is still the same. */
export const ifRange: readonly Check[] = [
  {
    id: 'if-range.same',
    title: 'If-Range with the ETag of the export gives the range',
    reference: 'RFC 9110 §13.1.5',
    consequence: 'Its resume starts again from the first byte, is refused, or adds the wrong bytes.',
    after: [...after, 'ranges.same-bytes'],
    probe: 'ifRangeSame',
    judge: (answer, { sample }) => {
      const { status, body } = answer
      if (status !== 206) return fail(`answered with ${status}`)
      const { first, last } = readContentRange(field(answer, 'content-range')) ?? {}
      const wanted = sample.subarray(0, 10)
      if (first !== 0 || last !== wanted.length - 1) return fail('Content-Range is not the range asked for')
      return must(Buffer.from(body).equals(wanted), '206', 'other bytes than the whole file')
    },
  },
  {
    id: 'if-range.other',
    title: 'If-Range with another ETag gives the whole export',
    reference: 'RFC 9110 §13.1.5',
    consequence: 'It joins the bytes of two versions into one file.',
    after,
    probe: 'ifRangeOther',
    judge: ({ status }) => must(status === 200, '200', `answered with ${status}`),
  },
  {
    id: 'if-range.weak',
    title: 'If-Range with a weak ETag never gives a range',
    reference: 'RFC 9110 §13.1.5',
    consequence: 'It joins the bytes of two versions into one file.',
    after: [...after, 'if-range.other'],
    probe: 'ifRangeWeak',
    judge: ({ status }) => must(status === 200, '200', `answered with ${status}`),
  },
  {
    id: 'if-range.date',
    title: 'If-Range with a date other than Last-Modified gives the whole export',
    reference: 'RFC 9110 §13.1.5',
    consequence: 'It joins the bytes of two versions into one file.',
    after: [...after, 'if-range.other'],
    probe: 'ifRangeOldDate',
    judge: ({ status }) => must(status === 200, '200', `answered with ${status}`),
  },
]
