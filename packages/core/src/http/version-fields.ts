import { formatHttpDate } from './http-date.ts'

/** The link relations of a version (RFC 9745 §3, RFC 8594 §6, RFC 5829). */
export type VersionLinks = Partial<Record<'deprecation' | 'sunset' | 'successor-version', string>>

/**
 * `Deprecation`: since or from when (RFC 9745 §2.1), as a Date of RFC 9651 in whole seconds, rounded down.
 *
 * @throws RangeError for an invalid Date
 */
export function formatDeprecation(date: Date): string {
  const seconds = Math.floor(date.getTime() / 1_000)
  if (Number.isNaN(seconds)) throw new RangeError('An invalid Date has no Deprecation')
  return `@${seconds}`
}

/**
 * `Sunset`: from when it may be gone (RFC 8594 §3).
 *
 * @throws RangeError for an invalid Date
 */
export const formatSunset = (date: Date): string => formatHttpDate(date)

/** `Link` (RFC 8288 §3), always in the same order. `''`: there is no link, so nothing to send. */
export const formatLinks = (links: Readonly<VersionLinks>): string =>
  relations
    .flatMap((relation) => {
      const uri = links[relation]
      return uri === undefined ? [] : [`<${escapeUri(uri)}>; rel="${relation}"`]
    })
    .join(', ')

const relations = ['deprecation', 'sunset', 'successor-version'] as const

/** Whatever RFC 3986 §2 does not let stand is percent-encoded, so no text ends the link or the field. */
const escapeUri = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[^\w.~:/?#[\]@!$&'()*+,;=%-]/gu, encodeURIComponent)
    .replaceAll(/%(?![0-9A-Fa-f]{2})/g, '%25')
