import { listElements } from './field-values.ts'

/** A content coding in which objects may be stored (RFC 9110 §8.4.1, RFC 7932, RFC 8878). */
export type ContentCoding = 'gzip' | 'br' | 'zstd'

/** The name of a coding in `Accept-Encoding`, and the file type of coded bytes. */
interface CodingForm {
  readonly name: RegExp
  /** Added to the filename if the coded bytes are saved without decoding. */
  readonly extension: string
  /** Matches a filename that already has such an extension. */
  readonly fileEnd: RegExp
  readonly mediaType: string
}

/** The codings that are served. */
export const contentCodings: Readonly<Record<ContentCoding, CodingForm>> = {
  gzip: {
    name: /^(?:x-)?gzip$/i,
    extension: '.gz',
    fileEnd: /\.(?:t?gz|gzip)$/i,
    mediaType: 'application/gzip',
  },
  br: { name: /^br$/i, extension: '.br', fileEnd: /\.br$/i, mediaType: 'application/octet-stream' },
  zstd: { name: /^zstd$/i, extension: '.zst', fileEnd: /\.(?:t?zst|zstd)$/i, mediaType: 'application/zstd' },
}

/** Whether a value is the name of a coding that is served. */
export const isContentCoding = (value: unknown): value is ContentCoding =>
  typeof value === 'string' && Object.hasOwn(contentCodings, value)

const longestField = 1_024

/**
 * Whether the client accepts a content coding.
 *
 * @param value - the value of `Accept-Encoding` (RFC 9110 §12.5.3). `x-gzip` means gzip (§8.4.1.3); `*` counts if the coding is
 *   not named; a weight of 0 refuses. `false` if the field is absent, malformed or longer than 1,024 characters: for the RFC,
 *   absence means "any coding", but most clients without the field do not decode
 */
export function acceptsCoding(value: string | undefined, wanted: ContentCoding): boolean {
  if (value === undefined || value.length > longestField) return false
  const { name } = contentCodings[wanted]
  const named: number[] = []
  const any: number[] = []
  for (const element of listElements(value)) {
    const [, coding, weight = '1'] =
      /^([\w!#$%&'*+.^`|~-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i.exec(element) ?? []
    if (coding === undefined) return false
    if (name.test(coding)) named.push(Number(weight))
    if (coding === '*') any.push(Number(weight))
  }
  const decisive = named.length > 0 ? named : any
  // If the coding is named twice, and refused once, do not send it: every client can read an uncoded file.
  return decisive.length > 0 && decisive.every((weight) => weight > 0)
}
