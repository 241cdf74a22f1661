import { refuse } from '@sallyport/core'

/** The longest key of every store in this package, in bytes of UTF-8. It is S3's limit. */
const LONGEST = 1024

/**
 * Joins the prefix and the key of a record with exactly one `/`. The result is always below the prefix, and two pairs give the
 * same result only if their segments are the same.
 *
 * @param prefix - the result of {@link trimPrefix}. Absent: the key alone
 * @throws `'upstream_error'` if the key has an empty, `.` or `..` segment, a NUL, a backslash or a lone surrogate, or if the
 *   result is longer than 1,024 bytes. The catalogue is wrong then, so a retry cannot help
 */
export function joinKey(prefix: string | undefined, key: string): string {
  const joined = prefix === undefined ? key : `${prefix}/${key}`
  return isPlain(key) && Buffer.byteLength(joined) <= LONGEST ? joined : refuse('upstream_error')
}

/** Removes one `/` from the end of a prefix. Absent or empty: `undefined`, there is no prefix. */
export const trimPrefix = (prefix: string | undefined): string | undefined =>
  prefix === undefined || prefix === '' ? undefined : prefix.endsWith('/') ? prefix.slice(0, -1) : prefix

/** Whether a value is a valid prefix: empty, or valid segments of fewer than 1,024 bytes together. */
export function isPrefix(value: unknown): value is string {
  if (typeof value !== 'string') return false
  const trimmed = trimPrefix(value)
  return trimmed === undefined || (isPlain(trimmed) && Buffer.byteLength(trimmed) < LONGEST)
}

const EMPTY_OR_DOTS = /(?:^|\/)\.{0,2}(?:\/|$)/

// A lone surrogate has no UTF-8 form: two keys with different ones would become the same name.
const isPlain = (key: unknown): key is string =>
  typeof key === 'string' &&
  !EMPTY_OR_DOTS.test(key) &&
  !key.includes('\0') &&
  !key.includes('\\') &&
  key.isWellFormed()
