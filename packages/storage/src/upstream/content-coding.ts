import type { ContentCoding } from '@sallyport/core'

const SERVED: ReadonlyMap<string, ContentCoding> = new Map([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['br', 'br'],
  ['zstd', 'zstd'],
])

/** The other codings of IANA's registry. */
const NOT_SERVED: ReadonlySet<string> = new Set(
  'aes128gcm compress x-compress dcb dcz deflate exi pack200-gzip'.split(' '),
)

/** Names that say nothing of the stored bytes. `aws-chunked` is the framing of an upload (S3: Signature Version 4). */
const NO_CODING: ReadonlySet<string> = new Set(['', 'identity', 'aws-chunked'])

/** What a `Content-Encoding` says. */
export interface StoredCoding {
  /** Absent: none. */
  readonly coding?: ContentCoding
  /** The names in it that are no content codings, such as `utf-8`, printable and at most 64 characters. */
  readonly ignored: string
}

/**
 * Reads the `Content-Encoding` of a stored object, as uploaders write it (RFC 9110 §8.4): names in any case, `x-gzip` for gzip,
 * and names that are no codings, which are ignored.
 *
 * @returns `undefined`: the bytes are in a coding that is not served, or in several
 */
export function readContentEncoding(field: string | undefined): StoredCoding | undefined {
  const names = (field ?? '').split(',').map((name) => name.trim().toLowerCase())
  if (names.some((name) => NOT_SERVED.has(name))) return undefined
  const [coding, second] = names.flatMap((name) => SERVED.get(name) ?? [])
  if (second) return undefined
  const ignored = names.filter((name) => !SERVED.has(name) && !NO_CODING.has(name)).join(', ')
  return { ...(coding && { coding }), ignored: ignored.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 64) }
}
