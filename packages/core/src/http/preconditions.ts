import { parseHttpDate } from './http-date.ts'

/** The values of the conditional request fields. `undefined`: not sent. */
export interface PreconditionFields {
  readonly ifMatch?: string | undefined
  readonly ifNoneMatch?: string | undefined
  readonly ifModifiedSince?: string | undefined
  readonly ifUnmodifiedSince?: string | undefined
}

/** The validators of the representation. `etag` is quoted and strong, as in the `ETag` field. */
export interface Validators {
  readonly etag: string
  readonly lastModified?: Date | undefined
}

/**
 * Evaluates the preconditions of a GET or HEAD that would otherwise give 200, in the order of RFC 9110 §13.2.2.
 *
 * A malformed `If-Match` (§13.1.1) or `If-None-Match` (§13.1.2) matches nothing: the first gives 412, the second 200. The date
 * fields are then not evaluated. A malformed date is ignored, and so is every date if `lastModified` is absent (§13.1.3, §13.1.4).
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
 * Whether `Range` applies (RFC 9110 §13.1.5): `If-Range` is absent, or shows that the client has bytes of this object. If it is
 * malformed or differs, the whole representation is sent.
 *
 * Entity tags are compared strongly. A date must equal `Last-Modified`, and its second must be over (§8.8.2.2), because the object
 * could still change within that second.
 *
 * @param date - the `Date` of this response
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

/** Whether the object was last modified at or before the date in the field. `undefined`: unknown. */
function modifiedBy(value: string | undefined, { lastModified }: Validators): boolean | undefined {
  const date = value === undefined ? undefined : parseHttpDate(value)
  if (!date || !lastModified || Number.isNaN(lastModified.getTime())) return undefined
  return seconds(lastModified) <= seconds(date)
}

/** HTTP-dates have no fractions of a second: `Last-Modified` was rounded down. */
const seconds = (date: Date): number => Math.floor(date.getTime() / 1_000)

/** An entity tag (RFC 9110 §8.8.3). `opaque` is the text between the quotes. */
export interface EntityTag {
  readonly weak: boolean
  readonly opaque: string
}

const longestField = 8_192

/** Parses one entity tag. `undefined`: malformed or longer than 8,192 characters. `W/` is case-sensitive. */
export function parseEntityTag(text: string): EntityTag | undefined {
  if (text.length > longestField) return undefined
  const [, weak, opaque] = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/.exec(text) ?? []
  return opaque === undefined ? undefined : { weak: weak !== undefined, opaque }
}

/**
 * Parses the value of `If-Match` or `If-None-Match` (RFC 9110 §13.1.1): `'*'`, or at least one tag. A tag may contain a comma.
 * `undefined`: malformed or longer than 8,192 characters.
 */
export function parseEntityTags(text: string): readonly EntityTag[] | '*' | undefined {
  if (text.length > longestField) return undefined
  if (text === '*') return '*'
  const element = /(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?:,[ \t,]*|$)/y
  element.lastIndex = /^[ \t,]*/.exec(text)?.[0].length ?? 0
  const tags: EntityTag[] = []
  while (element.lastIndex < text.length) {
    const [, weak, opaque] = element.exec(text) ?? []
    if (opaque === undefined) return undefined
    tags.push({ weak: weak !== undefined, opaque })
  }
  return tags.length > 0 ? tags : undefined
}

/** Whether two tags are equal and neither is weak (RFC 9110 §8.8.3.2). */
export const strongMatch = (one: EntityTag, other: EntityTag): boolean =>
  !one.weak && !other.weak && one.opaque === other.opaque

/** Whether two tags are equal, ignoring weakness (RFC 9110 §8.8.3.2). */
export const weakMatch = (one: EntityTag, other: EntityTag): boolean => one.opaque === other.opaque
