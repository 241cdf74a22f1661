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
