/** Readers of header fields. Each returns `undefined` for a value that breaks the grammar. */

/** `"x"` or `W/"x"` (RFC 9110 §8.8.3). */
export const isEntityTag = (value: string): boolean => /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(value)

/** Whether a sound entity tag is strong (RFC 9110 §8.8.1). */
export const isStrong = (value: string | undefined): value is string =>
  value !== undefined && isEntityTag(value) && !value.startsWith('W/')

/** The same entity tag in its weak form. */
export const weakened = (value: string): string => (value.startsWith('W/') ? value : `W/${value}`)

const imfFixdate = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/

/** Milliseconds since 1970 of an IMF-fixdate, the only form of a date that a server may send (RFC 9110 §5.6.7). */
export function readDate(value: string | undefined): number | undefined {
  if (value === undefined || !imfFixdate.test(value)) return undefined
  const time = Date.parse(value)
  return Number.isNaN(time) ? undefined : time
}

/** A number of bytes (RFC 9110 §8.6). */
export const readLength = (value: string | undefined): number | undefined =>
  value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined

/** `Content-Range` (RFC 9110 §14.4). `first` and `last` are absent in a 416; `total` is absent if the server does not know it. */
export interface ContentRange {
  readonly first?: number
  readonly last?: number
  readonly total?: number
}

/** Reads `Content-Range`. */
export function readContentRange(value: string | undefined): ContentRange | undefined {
  const match = /^bytes (?:(\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)|\*\/(\d{1,15}))$/.exec(value ?? '')
  if (!match) return undefined
  const [, first, last, total, only] = match
  if (only !== undefined) return { total: Number(only) }
  if (Number(last) < Number(first)) return undefined
  if (total !== '*' && Number(last) >= Number(total)) return undefined
  return {
    first: Number(first),
    last: Number(last),
    ...(total !== '*' && { total: Number(total) }),
  }
}

/** Seconds or a date (RFC 9110 §10.2.3), as milliseconds from `now`. */
export function readRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000
  const date = readDate(value)
  return date === undefined ? undefined : Math.max(0, date - now)
}

/** The lowercase members of a list such as `Vary`. */
export const readList = (value: string | undefined): readonly string[] =>
  (value ?? '')
    .split(',')
    .map((member) => member.trim().toLowerCase())
    .filter((member) => member !== '')
