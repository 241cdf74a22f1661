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
