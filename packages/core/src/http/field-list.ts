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
