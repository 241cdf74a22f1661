import { formatHttpDate } from './http-date.ts'

/** A quota, as `RateLimit-Policy` describes it. `unit` absent: requests. */
export interface PolicyField {
  readonly name: string
  readonly quota: number
  readonly windowSeconds?: number
  readonly unit?: 'concurrent-requests' | 'content-bytes'
}

/** What remains of a quota, and the seconds until there is more. */
export interface LimitField {
  readonly name: string
  readonly remaining: number
  readonly resetSeconds?: number
}

/** Formats `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-11). `''`: there is no policy, so send no field. */
export const formatRateLimitPolicy = (policies: readonly PolicyField[]): string =>
  policies.map(formatPolicy).join(', ')

/** Formats `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11). `''`: there is no limit, so send no field. */
export const formatRateLimit = (left: readonly LimitField[]): string => left.map(formatLimit).join(', ')

/**
 * Formats the older `X-RateLimit-*` fields, which no specification defines. They describe one quota, so the one with the fewest
 * remaining requests is used. `X-RateLimit-Reset` is in seconds from now; absent if unknown. `{}`: there is no quota.
 */
export function legacyRateLimitFields(
  policies: readonly PolicyField[],
  left: readonly LimitField[],
): Record<string, string> {
  const [nearest] = left.toSorted((one, other) => one.remaining - other.remaining)
  const policy = policies.find(({ name }) => name === nearest?.name)
  if (!nearest || !policy) return {}
  return {
    'X-RateLimit-Limit': roundDown(policy.quota),
    'X-RateLimit-Remaining': roundDown(nearest.remaining),
    ...(nearest.resetSeconds !== undefined && { 'X-RateLimit-Reset': roundUp(nearest.resetSeconds) }),
  }
}

/** Converts a wait in milliseconds to `Retry-After` (RFC 9110 §10.2.3): whole seconds, rounded up, at least 1. */
export const retryAfterSeconds = (ms: number): number => Math.max(1, Number(roundUp(ms / 1_000)))

function formatPolicy({ name, quota, windowSeconds, unit }: PolicyField): string {
  const window = windowSeconds === undefined ? '' : `;w=${Math.max(1, Number(roundUp(windowSeconds)))}`
  return `${quote(name)};q=${roundDown(quota)}${unit ? `;qu=${quote(unit)}` : ''}${window}`
}

const formatLimit = ({ name, remaining, resetSeconds }: LimitField): string =>
  `${quote(name)};r=${roundDown(remaining)}${resetSeconds === undefined ? '' : `;t=${roundUp(resetSeconds)}`}`

/** Formats a String of RFC 9651 §3.3.3: printable ASCII with two escapes. Any other character becomes `?`. */
const quote = (text: string): string => (plain.test(text) ? `"${text}"` : escaped(text))

const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

const escaped = (text: string): string =>
  `"${text.replaceAll(/[^\x20-\x7e]/gu, '?').replaceAll(/["\\]/g, String.raw`\$&`)}"`

const roundDown = (value: number): string => integer(Math.floor(value))
const roundUp = (value: number): string => integer(Math.ceil(value))

/** Formats an Integer of RFC 9651 §3.3.1, which has at most 15 digits. A negative number becomes 0. */
const integer = (value: number): string => String(Math.min(Math.max(0, value || 0), 999_999_999_999_999))

/** The link relations of a version (RFC 9745 §3, RFC 8594 §6, RFC 5829). */
export type VersionLinks = Partial<Record<'deprecation' | 'sunset' | 'successor-version', string>>

/**
 * Formats `Deprecation` (RFC 9745 §2.1), as a Date of RFC 9651 in whole seconds, rounded down.
 *
 * @throws RangeError for an invalid Date
 */
export function formatDeprecation(date: Date): string {
  const seconds = Math.floor(date.getTime() / 1_000)
  if (Number.isNaN(seconds)) throw new RangeError('An invalid Date has no Deprecation')
  return `@${seconds}`
}

/**
 * Formats `Sunset`, the time after which a version may be unavailable (RFC 8594 §3).
 *
 * @throws RangeError for an invalid Date
 */
export const formatSunset = (date: Date): string => formatHttpDate(date)

/** Formats `Link` (RFC 8288 §3), always in the same order. `''`: there is no link, so send no field. */
export const formatLinks = (links: Readonly<VersionLinks>): string =>
  relations
    .flatMap((relation) => {
      const uri = links[relation]
      return uri === undefined ? [] : [`<${escapeUri(uri)}>; rel="${relation}"`]
    })
    .join(', ')

const relations = ['deprecation', 'sunset', 'successor-version'] as const

/** Percent-encodes the characters that RFC 3986 §2 does not allow, so that no text can end the link or the field. */
const escapeUri = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[^\w.~:/?#[\]@!$&'()*+,;=%-]/gu, encodeURIComponent)
    .replaceAll(/%(?![0-9A-Fa-f]{2})/g, '%25')

/** The reason phrase of a status (RFC 9110 §15, RFC 6585 §4). `'Error'`: the status is not one that the handler sends. */
export const reasonPhrase = (status: number): string => phrases.get(status) ?? 'Error'

const phrases: ReadonlyMap<number, string> = new Map([
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [410, 'Gone'],
  [412, 'Precondition Failed'],
  [416, 'Range Not Satisfiable'],
  [422, 'Unprocessable Content'],
  [429, 'Too Many Requests'],
  [500, 'Internal Server Error'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
])
