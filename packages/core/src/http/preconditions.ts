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

/** An entity tag (RFC 9110 §8.8.3): `opaque` is what stands between the quotes. */
export interface EntityTag {
  readonly weak: boolean
  readonly opaque: string
}

const longestField = 8_192

/** One entity tag; `undefined`: it is none, or longer than 8,192 characters. `W/` is case-sensitive. */
export function parseEntityTag(text: string): EntityTag | undefined {
  if (text.length > longestField) return undefined
  const [, weak, opaque] = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/.exec(text) ?? []
  return opaque === undefined ? undefined : { weak: weak !== undefined, opaque }
}

/**
 * The value of `If-Match` or `If-None-Match` (RFC 9110 §13.1.1): `'*'`, or at least one tag. A tag may hold a comma.
 * `undefined`: it is neither, or longer than 8,192 characters.
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

/** Equal, and neither is weak (RFC 9110 §8.8.3.2). */
export const strongMatch = (one: EntityTag, other: EntityTag): boolean =>
  !one.weak && !other.weak && one.opaque === other.opaque

/** Equal but for weakness (RFC 9110 §8.8.3.2). */
export const weakMatch = (one: EntityTag, other: EntityTag): boolean => one.opaque === other.opaque
