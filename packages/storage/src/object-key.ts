import { refuse } from '@sallyport/core'

/** The longest key of every store in this package, in bytes of UTF-8. It is S3's limit. */
const LONGEST = 1024

/**
 * How the keys of records are read. `'strict'`: segments joined by `/`. `'literal'`: exactly as they are. `'no dots'`: exactly as
 * they are, but no segment is `.` or `..`, because the store's client would resolve it.
 */
export type KeyRule = 'strict' | 'literal' | 'no dots'

/**
 * Joins the prefix and the key of a record with exactly one `/`. The result always starts with the prefix. By the rule `'strict'`
 * two pairs give the same result only if their segments are the same.
 *
 * @param prefix - the result of {@link trimPrefix}. Absent: the key alone
 * @throws `'upstream_error'` if the key breaks the rule, is empty, has a NUL or a lone surrogate, or if the result is longer than
 *   1,024 bytes; the cause says which. The catalogue is wrong then, so a retry cannot help
 */
export function joinKey(prefix: string | undefined, key: string, rule: KeyRule = 'strict'): string {
  const joined = prefix === undefined ? key : `${prefix}/${key}`
  const fault = keyFault(key, rule) ?? (Buffer.byteLength(joined) > LONGEST ? 'is too long' : undefined)
  if (fault === undefined) return joined
  return refuse('upstream_error', { cause: new Error(`the key of the record ${fault}`) })
}

/** Removes one `/` from the end of a prefix. Absent or empty: `undefined`, there is no prefix. */
export const trimPrefix = (prefix: string | undefined): string | undefined =>
  prefix === undefined || prefix === '' ? undefined : prefix.endsWith('/') ? prefix.slice(0, -1) : prefix

/** Whether a value is a valid prefix: empty, or valid segments of fewer than 1,024 bytes together. */
export function isPrefix(value: unknown): value is string {
  if (typeof value !== 'string') return false
  const trimmed = trimPrefix(value)
  return (
    trimmed === undefined ||
    (keyFault(trimmed, 'strict') === undefined && Buffer.byteLength(trimmed) < LONGEST)
  )
}

/** Describes the fault of a key, without its text. `undefined`: the key is valid. */
export function keyFault(key: unknown, rule: KeyRule): string | undefined {
  if (typeof key !== 'string' || key === '') return 'is empty or not a string'
  if (key.includes('\0')) return 'has a NUL'
  // A lone surrogate has no UTF-8 form: two keys with different ones would become the same name.
  if (!key.isWellFormed()) return 'has a lone surrogate'
  if (rule === 'literal') return undefined
  if (DOTS.test(key)) return `has a segment '.' or '..'${rule === 'strict' ? HINT : ''}`
  if (rule === 'no dots') return undefined
  if (EMPTY.test(key)) return `has an empty segment: '/' at an end, or twice in a row${HINT}`
  return key.includes('\\') ? `has a backslash${HINT}` : undefined
}

const EMPTY = /(?:^|\/)(?:\/|$)/
const DOTS = /(?:^|[/\\])\.{1,2}(?:[/\\]|$)/
const HINT = " (stores of objects take such keys with the option keys: 'literal')"
