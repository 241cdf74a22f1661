import { type Fault, membersOf, wordFor } from '../upstream/fault.ts'

/** How to read a fault, by what was asked. */
export interface S3Asked {
  /** The request named an entity-tag or a version. */
  readonly pinned: boolean
  /** The role may not list, so S3 says 403 where there is nothing. */
  readonly forbiddenIsMissing: boolean
}

/** What the S3 client threw: by status first, for a HEAD has no body and so no name. */
export function judgeS3(error: unknown, { pinned, forbiddenIsMissing }: S3Asked): Fault {
  const { name, code, $metadata } = membersOf(error)
  const word = wordFor(name, code)
  const { httpStatusCode: status } = membersOf($metadata)
  if (typeof status !== 'number') return { kind: 'unavailable', word }
  const fault = (kind: Fault['kind']): Fault => ({ kind, status, word })
  if (status === 404) return fault(word === 'NoSuchBucket' ? 'upstream_error' : 'missing')
  if (status === 403 && forbiddenIsMissing && NO_SAY.has(word)) return fault('missing')
  if ((status === 412 || status === 416) && pinned) return fault('object_changed')
  if (status >= 500 || status === 429 || PASSING.has(word)) return fault('unavailable')
  return fault('upstream_error')
}

// A HEAD's 403 has no name. The others are faults of our credentials or of the object, and no absence.
const NO_SAY: ReadonlySet<string> = new Set(['AccessDenied', 'Forbidden', 'unknown'])
const PASSING: ReadonlySet<string> = new Set([
  'RequestTimeout',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
])

/** Whether the same request may fare better at once. Inside a resume it is the resume that tries again. */
export function worthAnother({ kind, status, word }: Fault, pinned: boolean): boolean {
  if (word === 'RequestTimeTooSkewed') return true // the client has set its clock by this answer
  if (status === undefined && (word === 'ECONNRESET' || word === 'EPIPE')) return true // an idle connection had gone
  return kind === 'unavailable' && !pinned
}
