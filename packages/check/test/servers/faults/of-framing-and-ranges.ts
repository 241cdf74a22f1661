import { content, ids, refuse } from '../export-server.ts'
import { type Fault, withFields, onStatus, onField, onRange, on, whole, range } from './fault.ts'

const ofFraming: readonly Fault[] = [
  {
    title: 'breaks off in mid-body',
    check: 'framing.complete',
    change: onStatus(200, (reply) => ({ ...reply, cutAt: 100_000 })),
  },
  {
    title: 'drops the connection at HEAD with Range',
    check: 'framing.answered',
    change: on(
      ({ method, headers }) => method === 'HEAD' && headers.range !== undefined,
      (reply) => ({ ...reply, status: 0 }),
    ),
  },
  {
    title: 'sends the whole in chunks',
    check: 'framing.length',
    change: onStatus(200, (reply, { method }) => ({ ...reply, isChunked: method === 'GET' })),
  },
  {
    title: 'has another size in every response',
    check: 'framing.same-length',
    change: on(
      ({ method, headers }, { status }) =>
        status === 200 && method === 'GET' && headers['if-none-match'] !== undefined,
      (reply) => ({ ...reply, body: reply.body.subarray(1) }),
    ),
  },
]

const ofValidators: readonly Fault[] = [
  { title: 'ETag without quotes', check: 'validators.etag-syntax', choices: { etag: 'first' } },
  {
    title: 'another ETag for every request',
    check: 'validators.stable',
    change: (reply, { nth }) =>
      reply.headers['etag'] === undefined ? reply : withFields(reply, { etag: `"${nth}"` }),
    options: { secondUrl: undefined },
  },
  {
    title: 'other bytes under the same ETag',
    check: 'validators.same-bytes',
    change: on(
      ({ nth }, { status }) => nth === 4 && status === 200,
      (reply) => ({ ...reply, body: reply.body.map((byte) => byte ^ 1) }),
    ),
  },
  { title: 'a weak ETag', check: 'validators.strong', choices: { etag: 'W/"first"' } },
  { title: 'no ETag', check: 'validators.strong', choices: { etag: null } },
  {
    title: 'Last-Modified in the future',
    check: 'validators.last-modified',
    choices: { lastModified: 'Fri, 01 May 2099 08:00:00 GMT' },
  },
  {
    title: 'Last-Modified in another form',
    check: 'validators.last-modified',
    choices: { lastModified: '2026-05-01T08:00:00Z' },
  },
  {
    title: 'the same ETag for another export',
    check: 'validators.differ',
    change: on(
      ({ url }) => url.pathname.includes(ids.second),
      (reply) => withFields(reply, { etag: '"first"' }),
    ),
  },
]

const ofRanges: readonly Fault[] = [
  {
    title: 'promises ranges and ignores them',
    check: 'ranges.as-advertised',
    change: onStatus(206, () => whole),
  },
  { title: 'has no ranges', check: 'ranges.supported', choices: { hasRanges: false } },
  {
    title: 'begins a range at another byte',
    check: 'ranges.content-range',
    change: onRange(/^bytes=[1-9]\d*-[1-9]/, () => range(0, 99)),
  },
  {
    title: 'sends a byte too much',
    check: 'ranges.length',
    change: onRange(/^bytes=[1-9]\d{4}-\d{5}$/, () =>
      range(21_845, 21_944, content.subarray(21_845, 21_946)),
    ),
  },
  {
    title: 'sends other bytes in a range',
    check: 'ranges.same-bytes',
    change: onRange(/^bytes=[1-9]\d{4}-\d{5}$/, (reply) => ({
      ...reply,
      body: reply.body.map((byte) => byte ^ 1),
    })),
  },
  {
    title: 'takes a suffix for the beginning',
    check: 'ranges.suffix',
    change: onRange(/^bytes=-/, () => range(0, 100)),
  },
  {
    title: 'shifts the bytes of ranges behind the first 64 KiB',
    check: 'ranges.suffix',
    change: onRange(/^bytes=(?:-|149900-$)/, () =>
      range(149_900, 149_999, content.subarray(149_897, 149_997)),
    ),
  },
  {
    title: 'ends an open range early',
    check: 'ranges.open-ended',
    change: onRange(/^bytes=\d+-$/, (reply) => (reply.status === 206 ? range(149_900, 149_998) : reply)),
  },
  {
    title: 'refuses a range past the end',
    check: 'ranges.past-end',
    change: onRange(/^bytes=149999-/, () => refuse(416, { 'content-range': 'bytes */150000' })),
  },
  {
    title: 'answers a range behind the end with the whole',
    check: 'ranges.unsatisfiable',
    change: onStatus(416, () => whole),
  },
  {
    title: 'refuses a range without the size',
    check: 'ranges.unsatisfiable-size',
    change: onStatus(416, (reply) => withFields(reply, { 'content-range': undefined })),
  },
  {
    title: 'refuses an unknown unit',
    check: 'ranges.unknown-unit',
    change: onField('range', (reply, { headers }) =>
      headers.range?.startsWith('items') ? refuse(416, { 'content-range': 'bytes */150000' }) : reply,
    ),
  },
  {
    title: 'fails at a malformed range',
    check: 'ranges.malformed',
    change: onRange(/^bytes=9-0$/, () => refuse(500)),
  },
  {
    title: 'sends several ranges with a Content-Range for all',
    check: 'ranges.several',
    change: onRange(/,/, () =>
      withFields(range(0, 159), { 'content-type': 'multipart/byteranges; boundary=b' }),
    ),
  },
]

/** How bytes are framed, identified and cut into ranges. */
export const framingFaults: readonly Fault[] = [...ofFraming, ...ofValidators, ...ofRanges]
