import { hash } from 'node:crypto'

import type { ReadyRecord } from '../catalogue.ts'
import {
  formatContentRange,
  parseByteRanges,
  resolveByteRanges,
  frameByteranges,
} from '../http/byte-range.ts'
import type { ByterangesFrame } from '../http/byte-range.ts'
import { acceptsCoding, contentCodings } from '../http/content-codings.ts'
import { formatAttachment, safeFilename } from '../http/content-disposition.ts'
import { formatHttpDate } from '../http/http-date.ts'
import { formatReprDigest, wantsSha256 } from '../http/negotiation.ts'
import { evaluatePreconditions, rangeStillApplies } from '../http/preconditions.ts'
import type { ByteRange, ObjectInfo } from '../ports.ts'
import { wantedGot, refusal } from '../refusals.ts'

/** The plan of a response: everything but the bytes. */
export interface Plan {
  readonly status: 200 | 206 | 304
  readonly headers: Readonly<Record<string, string>>
  /** The ranges of the object to read, in order. Several make a `multipart/byteranges` body. `[]`: no bytes are sent. */
  readonly ranges: readonly ByteRange[]
  /** Bytes of the body, framing included. */
  readonly length: number
  /** The framing of a `multipart/byteranges` body. Absent: the body has at most one range. */
  readonly frame?: ByterangesFrame
}

/** Everything that the plan depends on, besides the object. */
export interface DeliveryQuestion {
  readonly method: string
  readonly header: (name: string) => string | undefined
  readonly record: ReadyRecord
  readonly mediaTypes: Readonly<Record<string, string>>
  /** Whether a request for several ranges gets a multipart response. `false`: its `Range` is ignored. */
  readonly multipleRanges: boolean
  /** The current time, in milliseconds since the epoch. */
  readonly now: number
  /** Returns the boundary of a multipart response. It must be unguessable. */
  readonly boundary: () => string
  /** The request headers that choose tenant and version, as `Vary` lists them. */
  readonly vary: string
}

/** The request headers for which the object must be described before it is opened. */
const decidingFields = [
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
] as const

/** Whether the object must be described before it is opened, because the plan depends on the description. */
export const decidesFirst = ({ method, header }: DeliveryQuestion): boolean =>
  method === 'HEAD' || decidingFields.some((name) => header(name) !== undefined)

/**
 * Decides the status, the header fields and the bytes to read, from the request, the record and the object. Evaluates the
 * preconditions (RFC 9110 §13.2.2), then `Range` (§14.2). Pure.
 *
 * Refuses `precondition_failed` and `range_not_satisfiable`. `Range` is only used for GET. Malformed optional header fields are
 * ignored.
 */
export function planDelivery(question: DeliveryQuestion, info: ObjectInfo): Plan {
  const { method, header, now, boundary } = question
  const shown = representation(question, info)
  const lastModified = notInFuture(info.lastModified, now)
  const current = { etag: shown.etag, ...(lastModified && { lastModified }) }
  const fields = {
    ifMatch: header('if-match'),
    ifNoneMatch: header('if-none-match'),
    ifModifiedSince: header('if-modified-since'),
    ifUnmodifiedSince: header('if-unmodified-since'),
  }
  const verdict = evaluatePreconditions(fields, current)
  if (verdict === 'precondition_failed') {
    const must = `the preconditions must hold for the ETag ${current.etag} of ${lastModified?.toISOString() ?? 'no date'}`
    throw refusal({ kind: 'precondition_failed' }, wantedGot(must, Object.values(fields)))
  }
  const { etag, vary } = shown
  if (verdict === 'not_modified') {
    const headers = { 'Cache-Control': cacheControl, Vary: vary, ETag: etag }
    return { status: 304, headers, ranges: [], length: 0 }
  }

  const headers: Record<string, string> = {
    'Cache-Control': cacheControl,
    Vary: vary,
    ETag: etag,
    'Accept-Ranges': 'bytes',
    // nginx would otherwise buffer the export on its disk, and stop reading from us for minutes.
    'X-Accel-Buffering': 'no',
    'Content-Disposition': shown.disposition,
    'Content-Type': shown.type,
  }
  if (shown.coding) headers['Content-Encoding'] = shown.coding
  if (lastModified) headers['Last-Modified'] = formatHttpDate(lastModified)
  const digest =
    info.sha256 !== undefined && wantsSha256(header('want-repr-digest')) && formatReprDigest(info.sha256)
  if (digest) headers['Repr-Digest'] = digest

  const ranges = method === 'GET' ? askedRanges(question, current, info.size) : 'whole'
  if (ranges === 'unsatisfiable') {
    const cause = wantedGot(`Range must overlap the ${info.size} bytes of the object`, header('range'))
    throw refusal({ kind: 'range_not_satisfiable', size: info.size }, cause)
  }
  const [first, ...more] = ranges === 'whole' ? [] : ranges
  if (!first) return whole(headers, info.size)
  if (more.length > 0) return several([first, ...more], headers, shown.type, info.size, boundary())
  return single(first, headers, info.size)
}

/**
 * The object's date, if it is not in the future (RFC 9110 §8.8.2.1: never later than `Date`). A future date is omitted. Replacing
 * it with the current time would give each response another date, and later requests with such a date as a condition would fail.
 */
const notInFuture = (date: Date | undefined, now: number): Date | undefined =>
  date && Math.floor(date.getTime() / 1_000) <= Math.floor(now / 1_000) ? date : undefined

function askedRanges(
  { header, multipleRanges, now }: DeliveryQuestion,
  current: { readonly etag: string; readonly lastModified?: Date },
  size: number,
): readonly ByteRange[] | 'unsatisfiable' | 'whole' {
  const specs = parseByteRanges(header('range'))
  if (!specs || !rangeStillApplies(header('if-range'), current, new Date(now))) return 'whole'
  if (specs.length > 1 && !multipleRanges) return 'whole'
  return resolveByteRanges(specs, size)
}

function whole(headers: Record<string, string>, size: number): Plan {
  headers['Content-Length'] = String(size)
  return { status: 200, headers, ranges: size > 0 ? [{ first: 0, last: size - 1 }] : [], length: size }
}

function single(range: ByteRange, headers: Record<string, string>, size: number): Plan {
  const length = range.last - range.first + 1
  headers['Content-Length'] = String(length)
  headers['Content-Range'] = formatContentRange(range, size)
  return { status: 206, headers, ranges: [range], length }
}

function several(
  ranges: readonly ByteRange[],
  headers: Record<string, string>,
  type: string,
  size: number,
  boundary: string,
): Plan {
  const frame = frameByteranges(ranges, size, type, boundary)
  headers['Content-Type'] = frame.contentType
  headers['Content-Length'] = String(frame.length)
  return { status: 206, headers, ranges, length: frame.length, frame }
}

/**
 * Chooses the representation of the object for this client. An object that is stored compressed is sent with `Content-Encoding` to a
 * client that accepts its coding. Any other client gets it as a compressed file, such as `.gz`. If the file name already ends in
 * `.gz`, every client gets the compressed file, because a client that decodes would save plain text under that name.
 */
function representation(
  { record, mediaTypes, header, vary: varies }: DeliveryQuestion,
  info: ObjectInfo,
): { type: string; etag: string; disposition: string; vary: string; coding?: string } {
  const { id, format, filename } = record
  const fallback = `export-${id}.${format}`
  const etag = objectEtag(record.object?.sha256, info.validator)
  const { encoding } = info
  if (!encoding) {
    const type = mediaTypeOf(format, mediaTypes)
    return { type, etag, disposition: formatAttachment(filename, fallback), vary: varies }
  }
  const { extension, fileEnd, mediaType } = contentCodings[encoding]
  const name = safeFilename(filename, fallback)
  if (fileEnd.test(name))
    return { type: mediaType, etag, disposition: formatAttachment(name, fallback), vary: varies }
  const vary = `${varies}, Accept-Encoding`
  if (!acceptsCoding(header('accept-encoding'), encoding))
    return { type: mediaType, etag, disposition: formatAttachment(name + extension, fallback), vary }
  return {
    type: mediaTypeOf(format.replace(fileEnd, ''), mediaTypes),
    etag: objectEtag(record.object?.sha256, info.validator, encoding),
    disposition: formatAttachment(name, fallback),
    vary,
    coding: encoding,
  }
}

/** The media type of a format. `application/octet-stream`: the format has none. */
export function mediaTypeOf(format: string, mediaTypes: Readonly<Record<string, string>>): string {
  const name = [format, format.toLowerCase()].find((spelling) => Object.hasOwn(mediaTypes, spelling))
  return (name !== undefined && mediaTypes[name]) || 'application/octet-stream'
}

/**
 * Makes the strong ETag of an object. It is equal in every process, region and release, and reveals nothing about the store. A
 * representation with a content coding has its own ETag (RFC 9110 §8.8.3.3).
 */
export function objectEtag(sha256: string | undefined, validator: string, coding = ''): string {
  const source = sha256 === undefined ? `validator ${validator}` : `sha256 ${sha256.toLowerCase()}`
  return `"${hash('sha256', `sallyport etag 1\n${source}\n${coding}`, 'base64url').slice(0, 27)}"`
}

/** `no-transform`, because a proxy that compresses the response would break ranges and lengths. */
const cacheControl = 'private, no-store, no-transform'
