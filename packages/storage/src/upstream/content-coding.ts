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

/** Names that do not describe the stored bytes. `aws-chunked` is the framing of an upload (S3: Signature Version 4). */
const NO_CODING: ReadonlySet<string> = new Set(['', 'identity', 'aws-chunked'])

/** A parsed `Content-Encoding`. */
export interface StoredCoding {
  /** Absent: the bytes are not coded. */
  readonly coding?: ContentCoding
  /** The names that are not content codings, such as `utf-8`, in printable ASCII, at most 64 characters. */
  readonly ignored: string
}

/**
 * Parses the `Content-Encoding` of a stored object (RFC 9110 §8.4). Names are case-insensitive, and `x-gzip` means gzip. A name
 * that is not a content coding is ignored.
 *
 * @returns `undefined`: the bytes have a coding that is not served, or several codings
 */
export function readContentEncoding(field: string | undefined): StoredCoding | undefined {
  const names = (field ?? '').split(',').map((name) => name.trim().toLowerCase())
  if (names.some((name) => NOT_SERVED.has(name))) return undefined
  const [coding, second] = names.flatMap((name) => SERVED.get(name) ?? [])
  if (second) return undefined
  const ignored = names.filter((name) => !SERVED.has(name) && !NO_CODING.has(name)).join(', ')
  return { ...(coding && { coding }), ignored: ignored.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 64) }
}
