import { type Check, must, pass, skip } from '../check.ts'
import { type Answer, field } from '../exchange.ts'
import { isStrong, readContentRange, readList } from '../fields.ts'

const codingOf = (answer: Answer): string => field(answer, 'content-encoding') ?? 'identity'

/** Compression on the way. */
export const encodings: readonly Check[] = [
  {
    id: 'encodings.identity',
    title: 'Accept-Encoding: identity gives the export without a coding',
    reference: 'RFC 9110 §12.5.3',
    consequence: 'It saves compressed bytes under the name of the file.',
    judge: (get) => must(codingOf(get) === 'identity', 'identity', `Content-Encoding: ${codingOf(get)}`),
  },
  {
    id: 'encodings.etag',
    title: 'A compressed response has an ETag of its own',
    reference: 'RFC 9110 §8.8.3.3',
    consequence: 'It joins compressed and plain bytes into one file.',
    probe: 'gzip',
    judge: (gzip, { get }) => {
      if (codingOf(gzip) === codingOf(get)) return pass(`the same coding: ${codingOf(get)}`)
      const etag = field(gzip, 'etag')
      if (!isStrong(etag)) return pass('the compressed response has no strong ETag')
      return must(etag !== field(get, 'etag'), 'another ETag', 'the ETag of the plain response')
    },
  },
  {
    id: 'encodings.vary',
    title: 'Vary names Accept-Encoding if the coding depends on it',
    reference: 'RFC 9110 §12.5.5',
    consequence: 'A cache gives compressed bytes to a client that cannot unpack them.',
    probe: 'gzip',
    judge: (gzip, { get }) => {
      if (codingOf(gzip) === codingOf(get)) return pass(`the same coding: ${codingOf(get)}`)
      const vary = readList(field(gzip, 'vary'))
      return must(vary.includes('accept-encoding') || vary.includes('*'), 'named', `Vary: ${vary.join(', ')}`)
    },
  },
  {
    id: 'encodings.ranges',
    title: 'A range is not compressed on the way',
    reference: 'RFC 9110 §14.1.2',
    consequence: 'It writes compressed bytes into the middle of its file.',
    probe: 'gzipRange',
    judge: (range, { get }) => {
      if (range.status !== 206) return skip(`answered with ${range.status}`)
      if (codingOf(range) === codingOf(get)) return pass(`the same coding: ${codingOf(get)}`)
      const { first = 0, last = 0 } = readContentRange(field(range, 'content-range')) ?? {}
      const isWhole = range.bytes === last - first + 1
      // A range of a stored compressed variant is right: it has that variant's ETag and counts its bytes.
      const right = isWhole && field(range, 'etag') !== field(get, 'etag')
      return must(
        right,
        'of a compressed variant',
        `Content-Encoding: ${codingOf(range)}, with the ETag of the plain file`,
      )
    },
  },
]
