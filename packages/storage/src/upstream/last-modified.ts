/**
 * Reads `Last-Modified` as stores write it: an HTTP-date (RFC 9110 §5.6.7), or a date in another zone or in the form of ISO 8601.
 *
 * @returns `undefined`: it is no date, or names no zone
 */
export function readLastModified(field: string | undefined): Date | undefined {
  if (field === undefined || field.length > 64 || !ZONE.test(field)) return undefined
  const date = new Date(field)
  return Number.isNaN(date.getTime()) ? undefined : date
}

const ZONE = /(?:Z|GMT|UTC?|[ECMP][SD]T|[+-]\d\d:?\d\d)$/
