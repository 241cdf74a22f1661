import { type Fault, membersOf, wordFor } from '../upstream/fault.ts'

/** What {@link classifyS3Error} must know about the request. */
export interface S3ErrorContext {
  /** The request named an entity-tag or a version. */
  readonly pinned: boolean
  /** The role may not list objects, so S3 answers 403 for a missing object. */
  readonly forbiddenIsMissing: boolean
}

/** Classifies an error of the S3 client, by its status first: the response to a HEAD has no body, and so no error name. */
export function classifyS3Error(error: unknown, { pinned, forbiddenIsMissing }: S3ErrorContext): Fault {
  const { name, code, $metadata } = membersOf(error)
  const { httpStatusCode: status, clockSkewCorrected } = membersOf($metadata)
  // The 403 of a HEAD has no name, but the SDK has compared its clock with the field Date.
  const word = clockSkewCorrected === true ? 'RequestTimeTooSkewed' : wordFor(name, code)
  if (typeof status !== 'number') return { kind: 'unavailable', word }
  const fault = (kind: Fault['kind']): Fault => ({ kind, status, word })
  if (status === 404) return fault(word === 'NoSuchBucket' ? 'upstream_error' : 'missing')
  if (status === 403 && forbiddenIsMissing && ABSENCE_NAMES.has(word)) return fault('missing')
  if ((status === 412 || status === 416) && pinned) return fault('object_changed')
  if (status >= 500 || status === 429 || TRANSIENT_NAMES.has(word)) return fault('unavailable')
  return fault('upstream_error')
}

// The 403 of a HEAD has no name. Every other name is about the credentials or the object's state, so the object is not missing.
const ABSENCE_NAMES: ReadonlySet<string> = new Set(['AccessDenied', 'Forbidden', 'unknown'])
const TRANSIENT_NAMES: ReadonlySet<string> = new Set([
  'RequestTimeout',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
])

/** Whether the same request may succeed if it is sent again at once. A pinned request is not: the resume that sent it retries. */
export function isRetryable({ kind, status, word }: Fault, pinned: boolean): boolean {
  if (word === 'RequestTimeTooSkewed') return true // the SDK has corrected its clock from this answer
  if (status === undefined && (word === 'ECONNRESET' || word === 'EPIPE')) return true // the server had closed an idle connection
  return kind === 'unavailable' && !pinned
}
