import { formatHttpDate } from './http-date.ts'

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
