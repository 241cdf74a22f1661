import type { ProbeName } from './exchange.ts'
import { isStrong, readDate, weakened } from './fields.ts'
import type { Known } from './known.ts'
import type { Settings } from './settings.ts'

/** A request to send. */
export interface Probe {
  /** Default: `GET`. All methods are safe (RFC 9110 §9.2.1). */
  readonly method?: 'HEAD' | 'OPTIONS' | 'PROPFIND'
  readonly headers?: Readonly<Record<string, string>>
  /** What proves the caller. Default: `given`. */
  readonly credentials?: 'none' | 'wrong' | 'tampered' | 'long'
  /** Which URL. Default: the export. */
  readonly target?: 'missing' | 'foreign' | 'second'
  /** Whether to use the other one of HTTP/1.1 and HTTP/2. */
  readonly isOtherProtocol?: boolean
  /** Whether to read the body to its end, whatever its size. */
  readonly isWhole?: boolean
}

/** Plans one request. Returns the reason in words if it makes no sense for this endpoint. */
type Plan = (known: Known, settings: Settings) => Probe | string

const day = 86_400_000
const otherTag = '"sallyport-check-other"'
const noTag = 'the response has no sound ETag'
const noDate = 'the response has no Last-Modified'
const noRanges = 'the endpoint serves no ranges'
const empty = 'the export is empty'

/** The first byte and the last byte of a range in the middle of what is known. */
export function middleOf({ sample }: Known): readonly [number, number] {
  const first = Math.floor(sample.length / 3)
  return [first, Math.min(sample.length - 1, first + 99)]
}

/** How many bytes the suffix range asks for. */
export const suffixOf = ({ size }: Known): number => Math.min(100, size ?? 100)

const dateBefore = (value: string | undefined): string | undefined => {
  const time = readDate(value)
  return time === undefined ? undefined : new Date(time - day).toUTCString()
}

const withRange = (known: Known, headers: Readonly<Record<string, string>>): Probe | string =>
  known.hasRanges ? { headers: { range: 'bytes=0-9', ...headers } } : noRanges

const onEtag = ({ etag }: Known, then: (etag: string) => Probe | string): Probe | string =>
  etag === undefined ? noTag : then(etag)

const onSecondTarget = (url: URL | undefined, target: 'foreign' | 'second'): Probe | string =>
  url === undefined ? `pass --${target}-url to compare` : { target }

const onCredentials = (settings: Settings, probe: Probe): Probe | string =>
  settings.credentials === 'none' ? 'no credentials were given' : probe

/** Every request of a check, in order. The first three describe the export; the others build on them. */
export const probes: Readonly<Record<ProbeName, Plan>> = {
  get: () => ({}),
  head: () => ({ method: 'HEAD' }),
  firstRange: ({ size }) => (size === 0 ? empty : { headers: { range: 'bytes=0-9' } }),
  again: () => ({}),

  middleRange: (known) => {
    const [first, last] = middleOf(known)
    if (known.sample.length < 2) return 'the export has fewer than 2 bytes'
    return withRange(known, { range: `bytes=${first}-${last}` })
  },
  suffixRange: (known) => withRange(known, { range: `bytes=-${suffixOf(known)}` }),
  openRange: (known) =>
    known.size === undefined
      ? 'the size is unknown'
      : withRange(known, { range: `bytes=${known.size - suffixOf(known)}-` }),
  pastEndRange: (known) =>
    known.size === undefined
      ? 'the size is unknown'
      : withRange(known, { range: `bytes=${known.size - 1}-${known.size + 999}` }),
  beyondRange: (known) => withRange(known, { range: `bytes=${known.size ?? 10 ** 14}-` }),
  unknownUnit: ({ size }) => (size === 0 ? empty : { headers: { range: 'items=0-9' } }),
  malformedRange: ({ size }) => (size === 0 ? empty : { headers: { range: 'bytes=9-0' } }),
  severalRanges: (known) =>
    (known.size ?? 1_000) < 200
      ? 'the export is too small'
      : withRange(known, { range: 'bytes=0-9, 150-159' }),
  headRange: (known) => (known.hasRanges ? { method: 'HEAD', headers: { range: 'bytes=0-9' } } : noRanges),

  ifRangeSame: (known) =>
    onEtag(known, (etag) =>
      isStrong(etag)
        ? withRange(known, { 'if-range': etag })
        : 'the ETag is weak, so it cannot be used in If-Range',
    ),
  ifRangeOther: (known) => withRange(known, { 'if-range': otherTag }),
  ifRangeWeak: (known) => onEtag(known, (etag) => withRange(known, { 'if-range': weakened(etag) })),
  ifRangeOldDate: (known) => {
    const old = dateBefore(known.lastModified)
    return old === undefined ? noDate : withRange(known, { 'if-range': old })
  },

  ifNoneMatchSame: (known) => onEtag(known, (etag) => ({ headers: { 'if-none-match': etag } })),
  ifNoneMatchOther: (known) => onEtag(known, () => ({ headers: { 'if-none-match': otherTag } })),
  ifNoneMatchFirst: ({ etag, lastModified }) =>
    etag === undefined || lastModified === undefined
      ? 'the response lacks ETag or Last-Modified'
      : { headers: { 'if-none-match': otherTag, 'if-modified-since': lastModified } },
  ifMatchSame: (known) =>
    onEtag(known, (etag) =>
      isStrong(etag) ? { headers: { 'if-match': etag } } : 'the ETag is weak, so If-Match cannot match',
    ),
  ifMatchOther: (known) => onEtag(known, () => ({ headers: { 'if-match': otherTag } })),
  ifModifiedSince: ({ lastModified }) =>
    lastModified === undefined ? noDate : { headers: { 'if-modified-since': lastModified } },
  ifUnmodifiedSince: ({ lastModified }) => {
    const old = dateBefore(lastModified)
    return old === undefined ? noDate : { headers: { 'if-unmodified-since': old } }
  },

  gzip: () => ({ headers: { 'accept-encoding': 'gzip, br, zstd' } }),
  gzipRange: (known) => withRange(known, { 'accept-encoding': 'gzip, br, zstd' }),

  noCredentials: (_, settings) => onCredentials(settings, { credentials: 'none' }),
  wrongCredentials: (_, settings) => onCredentials(settings, { credentials: 'wrong' }),
  tamperedToken: (_, settings) =>
    settings.jwt === undefined ? 'the credentials are not a JWT' : { credentials: 'tampered' },
  longToken: (_, { credentials }) =>
    credentials === 'header' ? { credentials: 'long' } : 'no token was given',

  missing: (_, { missingUrl }) =>
    missingUrl === undefined ? 'the path has no UUID to replace' : { target: 'missing' },
  foreign: (_, { foreignUrl }) => onSecondTarget(foreignUrl, 'foreign'),
  second: (_, { secondUrl }) => onSecondTarget(secondUrl, 'second'),

  options: () => ({ method: 'OPTIONS' }),
  propfind: () => ({ method: 'PROPFIND', headers: { depth: '0' } }),

  otherProtocol: (_, { url }) =>
    url.protocol === 'https:' ? { method: 'HEAD', isOtherProtocol: true } : 'http: URLs have HTTP/1.1 only',
  otherProtocolRange: (known, { url }) =>
    url.protocol !== 'https:'
      ? 'http: URLs have HTTP/1.1 only'
      : known.hasRanges
        ? { headers: { range: 'bytes=0-9' }, isOtherProtocol: true }
        : noRanges,
  whole: (_, { full }) => (full ? { isWhole: true } : 'pass --full to download the whole export'),
}
