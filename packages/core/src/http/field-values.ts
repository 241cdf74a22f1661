/**
 * Splits a comma-separated field value without quoted strings. Removes spaces and tabs around the elements, and empty elements
 * (RFC 9110 §5.6.1.2). `[]`: there is no element.
 */
export const listElements = (text: string): readonly string[] =>
  text.split(',').flatMap((element) => trimSpace(element) || [])

/** `trim()` would also remove other white space than OWS (RFC 9110 §5.6.3). The pattern `[ \t]+$` would take quadratic time. */
function trimSpace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text.charAt(start))) start += 1
  while (end > start && isSpace(text.charAt(end - 1))) end -= 1
  return text.slice(start, end)
}

const isSpace = (character: string): boolean => character === ' ' || character === '\t'

/**
 * Joins two values of one list field: the elements of `present`, then those of `added` that `present` lacks, compared without
 * case (RFC 9110 §5.3). If either has `*`, the result is `*`, as for `Vary` (§12.5.5). Splits at commas, so use it only for fields
 * whose elements are tokens.
 */
export function addToList(present: string, added: string): string {
  const elements = listElements(present)
  const known = new Set(elements.map((element) => element.toLowerCase()))
  const more = listElements(added).filter((element) => !known.has(element.toLowerCase()))
  const all = [...elements, ...more]
  return all.includes('*') ? '*' : all.join(', ')
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Decodes a field value from Node, which gives one character per byte. Valid UTF-8 is decoded as UTF-8, which command line clients
 * send. Other bytes are decoded as ISO-8859-1 (RFC 9110 §5.5), which a browser's `fetch` sends. A value with a character above 255
 * is returned unchanged.
 */
export function decodeFieldText(value: string): string {
  if (!/[\x80-\xff]/.test(value) || /[^\0-\xff]/.test(value)) return value
  try {
    return utf8.decode(Buffer.from(value, 'latin1'))
  } catch {
    return value
  }
}

/**
 * Returns the value of `X-Request-Id` if it is safe to log and to send back: 1 to 64 ASCII letters, digits, `_`, `.` or `-`.
 * `undefined`: the field is absent or not safe.
 */
export const parseRequestId = (value: string | undefined): string | undefined =>
  value !== undefined && /^[\w.-]{1,64}$/.test(value) ? value : undefined

const longest = 256

/**
 * Makes text from outside safe for a log line: keeps at most 256 characters, and escapes control characters, bidirectional
 * controls and lone surrogates.
 */
export function printableText(text: string): string {
  if (text.length <= longest && plain.test(text)) return text
  return text.slice(0, longest).replace(unprintable, (found) => `\\u{${found.codePointAt(0)?.toString(16)}}`)
}

const plain = /^[\x20-\x7e]*$/
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
