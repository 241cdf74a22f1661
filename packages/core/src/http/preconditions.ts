import type { EntityTag } from './entity-tag.ts'
import { parseEntityTag, parseEntityTags, strongMatch, weakMatch } from './entity-tag.ts'
import { parseHttpDate } from './http-date.ts'

/** The values of the conditional fields; `undefined`: not sent. */
export interface PreconditionFields {
  readonly ifMatch?: string | undefined
  readonly ifNoneMatch?: string | undefined
  readonly ifModifiedSince?: string | undefined
  readonly ifUnmodifiedSince?: string | undefined
}

/** The validators of what would be sent: `etag` quoted and strong, as in the `ETag` field. */
export interface Validators {
  readonly etag: string
  readonly lastModified?: Date | undefined
}

/**
 * Judges the conditions of a GET or HEAD whose plain answer would be 200, in the order of RFC 9110 §13.2.2.
 *
 * A malformed `If-Match` matches nothing (§13.1.1, third step), and so does a malformed `If-None-Match` (§13.1.2): the
 * first refuses, the second sends anew, and neither gives way to a date. A date that cannot be read is ignored, as is any
 * date where `lastModified` is absent (§13.1.3, §13.1.4).
 */
export function evaluatePreconditions(
  fields: PreconditionFields,
  current: Validators,
): 'proceed' | 'not_modified' | 'precondition_failed' {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = fields
  const unchanged =
    ifMatch === undefined
      ? modifiedBy(ifUnmodifiedSince, current) !== false
      : listMatches(ifMatch, current, strongMatch)
  if (!unchanged) return 'precondition_failed'
  const known =
    ifNoneMatch === undefined
      ? modifiedBy(ifModifiedSince, current) === true
      : listMatches(ifNoneMatch, current, weakMatch)
  return known ? 'not_modified' : 'proceed'
}

/**
 * Whether `Range` counts (RFC 9110 §13.1.5): there is no `If-Range`, or it proves that the client's bytes are of this
 * very object. Otherwise, and where it is malformed, the whole is sent.
 *
 * A tag is compared strongly. A date must be that of `Last-Modified`, and the second it names must be over (§8.8.2.2):
 * until then the object may change again under the same date.
 *
 * @param date - the instant of this answer, its `Date`
 */
export function rangeStillApplies(ifRange: string | undefined, current: Validators, date: Date): boolean {
  if (ifRange === undefined) return true
  if (ifRange.slice(0, 3).includes('"')) {
    const [asked, actual] = [parseEntityTag(ifRange), parseEntityTag(current.etag)]
    return asked !== undefined && actual !== undefined && strongMatch(asked, actual)
  }
  const asked = parseHttpDate(ifRange)
  if (!asked || !current.lastModified) return false
  const modified = seconds(current.lastModified)
  return seconds(asked) === modified && modified < seconds(date)
}

function listMatches(
  value: string,
  current: Validators,
  match: (one: EntityTag, other: EntityTag) => boolean,
): boolean {
  const tags = parseEntityTags(value)
  if (tags === '*') return true
  const actual = parseEntityTag(current.etag)
  return actual !== undefined && tags !== undefined && tags.some((tag) => match(tag, actual))
}

/** Whether the last change is of that second or older; `undefined`: that cannot be told. */
function modifiedBy(value: string | undefined, { lastModified }: Validators): boolean | undefined {
  const date = value === undefined ? undefined : parseHttpDate(value)
  if (!date || !lastModified || Number.isNaN(lastModified.getTime())) return undefined
  return seconds(lastModified) <= seconds(date)
}

/** HTTP-dates know no fractions: what was sent as `Last-Modified` was rounded down. */
const seconds = (date: Date): number => Math.floor(date.getTime() / 1_000)
