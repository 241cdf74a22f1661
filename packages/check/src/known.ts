import { type Answer, type Exchange, field, isAnswer, type ProbeName } from './exchange.ts'
import { isEntityTag, readContentRange, readLength } from './fields.ts'

/** What the responses so far say about the export. */
export interface Known {
  /** Its size in bytes. Absent: no response told it. */
  readonly size?: number
  /** Its entity tag, if it is well-formed. */
  readonly etag?: string
  /** `Last-Modified`, as it stands. */
  readonly lastModified?: string
  /** The first bytes. */
  readonly sample: Uint8Array
  /** Whether a range was answered with 206. */
  readonly hasRanges: boolean
}

/** The last response to a probe. */
function answerTo(exchanges: readonly Exchange[], name: ProbeName): Answer | undefined {
  const exchange = exchanges.findLast(({ probe }) => probe === name)
  return isAnswer(exchange) ? exchange : undefined
}

/** Describes the export from the first responses. */
export function describeExport(exchanges: readonly Exchange[]): Known {
  const get = answerTo(exchanges, 'get')
  const head = answerTo(exchanges, 'head')
  const range = answerTo(exchanges, 'firstRange')
  const size =
    get && (readLength(field(get, 'content-length')) ?? (get.end === 'complete' ? get.bytes : undefined))
  const total = range && readContentRange(field(range, 'content-range'))?.total
  const headSize = head?.status === 200 ? readLength(field(head, 'content-length')) : undefined
  const etag = get && field(get, 'etag')
  const lastModified = get && field(get, 'last-modified')
  const known = size ?? total ?? headSize
  return {
    sample: get?.body ?? new Uint8Array(),
    hasRanges: range?.status === 206,
    ...(known !== undefined && { size: known }),
    ...(etag !== undefined && isEntityTag(etag) && { etag }),
    ...(lastModified !== undefined && { lastModified }),
  }
}
