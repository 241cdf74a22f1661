/**
 * Elements of a comma-separated field value that has no quoted strings: without the spaces and tabs around them, empty
 * ones dropped (RFC 9110 §5.6.1.2). `[]`: there is none.
 */
export const listElements = (text: string): readonly string[] =>
  text.split(',').flatMap((element) => trimSpace(element) || [])

/** Not `trim()`: that also takes characters that are no OWS (RFC 9110 §5.6.3). Not a pattern: `[ \t]+$` is quadratic. */
function trimSpace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text.charAt(start))) start += 1
  while (end > start && isSpace(text.charAt(end - 1))) end -= 1
  return text.slice(start, end)
}

const isSpace = (character: string): boolean => character === ' ' || character === '\t'

/**
 * Two values of one list field → one value with the elements of both: those of `present` first, then those of `added`
 * that it lacks, compared without regard to case (RFC 9110 §5.3). `*` in either is the whole of `Vary` (§12.5.5).
 *
 * Elements are told apart at commas, so only for fields whose elements are tokens.
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
 * A field value as Node gives it, one character per byte → its text. Bytes that are valid UTF-8 are read as UTF-8, which is
 * what command line clients send. Other bytes are read as ISO-8859-1 (RFC 9110 §5.5), which is what a browser's `fetch`
 * sends. A value with characters above 255 is text already.
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
 * The value of `X-Request-Id`, if it is safe to log and to send back: 1 to 64 ASCII letters, digits, `_`, `.` or `-`.
 * `undefined`: there is none, or it is not.
 */
export const parseRequestId = (value: string | undefined): string | undefined =>
  value !== undefined && /^[\w.-]{1,64}$/.test(value) ? value : undefined

const longest = 256

/**
 * Text from outside, fit for a log line: at most 256 characters, with control characters, bidirectional controls and
 * lone surrogates escaped.
 */
export function printableText(text: string): string {
  if (text.length <= longest && plain.test(text)) return text
  return text.slice(0, longest).replace(unprintable, (found) => `\\u{${found.codePointAt(0)?.toString(16)}}`)
}

const plain = /^[\x20-\x7e]*$/
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
