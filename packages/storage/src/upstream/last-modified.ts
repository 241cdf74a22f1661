/**
 * Parses the `Last-Modified` of a store: an HTTP-date (RFC 9110 §5.6.7), a date in another time zone, or an ISO 8601 date.
 *
 * @returns `undefined`: the text is not a date, or has no time zone
 */
export function readLastModified(field: string | undefined): Date | undefined {
  if (field === undefined || field.length > 64 || !ZONE.test(field)) return undefined
  const date = new Date(field)
  return Number.isNaN(date.getTime()) ? undefined : date
}

const ZONE = /(?:Z|GMT|UTC?|[ECMP][SD]T|[+-]\d\d:?\d\d)$/
