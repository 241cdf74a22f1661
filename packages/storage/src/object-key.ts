import { refuse } from '@sallyport/core'

/** What every store of this package takes: S3's limit for a key, in bytes of UTF-8. */
const LONGEST = 1024

/**
 * The key under which a store keeps the object of a record: prefix and key, joined by exactly one `/`. It lies below
 * the prefix, segment by segment, and two pairs meet only where their segments are the same ones.
 *
 * @param prefix - as {@link trimPrefix} gave it. Absent: the key stands alone
 * @throws `'upstream_error'` where the record's key has an empty, `.` or `..` segment, a NUL, a backslash or half a
 *   character, or where both together are longer than 1,024 bytes: the catalogue is wrong, and asking again cannot help
 */
export function joinKey(prefix: string | undefined, key: string): string {
  const joined = prefix === undefined ? key : `${prefix}/${key}`
  return isPlain(key) && Buffer.byteLength(joined) <= LONGEST ? joined : refuse('upstream_error')
}

/** The prefix to join keys to: one `/` at its end is dropped. Absent or empty: `undefined`, there is no prefix. */
export const trimPrefix = (prefix: string | undefined): string | undefined =>
  prefix === undefined || prefix === '' ? undefined : prefix.endsWith('/') ? prefix.slice(0, -1) : prefix

/** Whether keys can be joined to it: empty, or plain segments of fewer than 1,024 bytes together. */
export function isPrefix(value: unknown): value is string {
  if (typeof value !== 'string') return false
  const trimmed = trimPrefix(value)
  return trimmed === undefined || (isPlain(trimmed) && Buffer.byteLength(trimmed) < LONGEST)
}

const EMPTY_OR_DOTS = /(?:^|\/)\.{0,2}(?:\/|$)/

// Half a surrogate pair has no UTF-8: two keys with different halves would become one name.
const isPlain = (key: unknown): key is string =>
  typeof key === 'string' &&
  !EMPTY_OR_DOTS.test(key) &&
  !key.includes('\0') &&
  !key.includes('\\') &&
  key.isWellFormed()
