import { refuse } from '@sallyport/core'

/** What every store of this package takes: S3's limit for a key, in bytes of UTF-8. */
const LONGEST = 1024

/**
 * The key under which a store keeps the object of a record: prefix and key, joined by exactly one `/`. It lies below
 * the prefix, segment by segment, and two pairs meet only where their segments are the same ones.
 *
 * @param prefix - as {@link checkPrefix} gave it. Absent: the key stands alone
 * @throws `'upstream_error'` where the record's key has an empty, `.` or `..` segment, a NUL, a backslash or half a
 *   character, or where both together are longer than 1,024 bytes: the catalogue is wrong, and asking again cannot help
 */
export function joinKey(prefix: string | undefined, key: string): string {
  const joined = prefix === undefined ? key : `${prefix}/${key}`
  return isPlain(key) && Buffer.byteLength(joined) <= LONGEST ? joined : refuse('upstream_error')
}

/**
 * The prefix to join keys to, checked once at creation. One `/` at its end is dropped; absent and empty: no prefix.
 *
 * @throws TypeError that names the option, where a prefix is not made of plain segments
 */
export function checkPrefix(prefix: string | undefined): string | undefined {
  if (prefix === undefined || prefix === '') return undefined
  const trimmed = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
  if (isPlain(trimmed) && Buffer.byteLength(trimmed) < LONGEST) return trimmed
  throw new TypeError(
    "prefix: write segments joined by '/', as in 'exports/acme'; none empty, '.' or '..', no backslash, no NUL",
  )
}

const EMPTY_OR_DOTS = /(?:^|\/)\.{0,2}(?:\/|$)/

// Half a surrogate pair has no UTF-8: two keys with different halves would become one name.
const isPlain = (key: unknown): key is string =>
  typeof key === 'string' &&
  !EMPTY_OR_DOTS.test(key) &&
  !key.includes('\0') &&
  !key.includes('\\') &&
  key.isWellFormed()
