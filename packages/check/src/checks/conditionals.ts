import { type Check, must, pass, skip, warn } from '../check.ts'
import { field } from '../exchange.ts'

const after = ['validators.etag-syntax', 'validators.stable']

/** Requests that depend on a validator. */
export const conditionals: readonly Check[] = [
  {
    id: 'conditionals.if-none-match',
    title: 'If-None-Match with the ETag of the export gives 304',
    reference: 'RFC 9110 §13.1.2',
    consequence: 'It downloads again what it has.',
    after,
    probe: 'ifNoneMatchSame',
    judge: ({ status }) => must(status === 304, '304', `answered with ${status}`),
  },
  {
    id: 'conditionals.not-modified-fields',
    title: 'A 304 repeats the ETag',
    reference: 'RFC 9110 §15.4.5',
    consequence: 'It does not know which of its stored files is meant.',
    after: [...after, 'conditionals.if-none-match'],
    probe: 'ifNoneMatchSame',
    judge: (answer, { etag }) => {
      if (answer.status !== 304) return skip(`answered with ${answer.status}`)
      const value = field(answer, 'etag')
      return must(value === etag, 'the same ETag', value === undefined ? 'no ETag' : `ETag: ${value}`)
    },
  },
  {
    id: 'conditionals.if-none-match-other',
    title: 'If-None-Match with another ETag gives the export',
    reference: 'RFC 9110 §13.1.2',
    consequence: 'It keeps an old file and never gets the new one.',
    after,
    probe: 'ifNoneMatchOther',
    judge: ({ status }) => must(status === 200, '200', `answered with ${status}`),
  },
  {
    id: 'conditionals.if-none-match-first',
    title: 'If-None-Match counts more than If-Modified-Since',
    reference: 'RFC 9110 §13.1.3',
    consequence: 'It keeps an old file that was replaced within the same second.',
    after: [...after, 'conditionals.if-none-match', 'conditionals.if-none-match-other'],
    probe: 'ifNoneMatchFirst',
    judge: ({ status }) => must(status === 200, '200', `answered with ${status}`),
  },
  {
    id: 'conditionals.if-match-same',
    title: 'If-Match with the ETag of the export gives the export',
    reference: 'RFC 9110 §13.1.1',
    consequence: 'A browser gives up a download that it loads in parts.',
    after,
    probe: 'ifMatchSame',
    judge: ({ status }) => must(status === 200, '200', `answered with ${status}`),
  },
  {
    id: 'conditionals.if-match-other',
    title: 'If-Match with another ETag gives 412',
    reference: 'RFC 9110 §13.1.1',
    consequence: 'It gets parts of two versions and joins them.',
    after,
    probe: 'ifMatchOther',
    judge: ({ status }) => must(status === 412, '412', `answered with ${status}`),
  },
  {
    id: 'conditionals.if-modified-since',
    title: 'If-Modified-Since with Last-Modified gives 304',
    reference: 'RFC 9110 §13.1.3',
    consequence: 'It downloads again what it has.',
    after: ['validators.stable', 'validators.last-modified'],
    probe: 'ifModifiedSince',
    judge: ({ status }) => {
      if (status === 200) return warn('answered with 200')
      return must(status === 304, '304', `answered with ${status}`)
    },
  },
  {
    id: 'conditionals.if-unmodified-since',
    title: 'If-Unmodified-Since with an earlier date gives 412',
    reference: 'RFC 9110 §13.1.4',
    consequence: 'It gets parts of two versions and joins them.',
    after: ['validators.stable', 'validators.last-modified'],
    probe: 'ifUnmodifiedSince',
    judge: ({ status }) => (status === 412 ? pass('412') : must(false, '', `answered with ${status}`)),
  },
]
