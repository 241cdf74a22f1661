import { createHash } from 'node:crypto'

/** The encodings of a text, as search strings. */
export interface Encodings {
  /** In lower case, to be searched in lower-case text. */
  readonly inAnyCase: readonly string[]
  readonly exact: readonly string[]
}

/** This many characters of a hash do not occur by chance, and a truncated hash is found, too. */
const HASH_CHARACTERS = 16

/** Returns the encodings of a secret, in its own, lower and upper case. The caller must undo escapes in the searched text. */
export function encodingsOf(secret: string): Encodings {
  const spellings = [...new Set([secret, secret.toLowerCase(), secret.toUpperCase()])]
  const hashes = spellings.map((text) => createHash('sha256').update(text).digest())
  const base64 = [
    ...spellings.flatMap(base64AtAnyOffset),
    ...hashes.map((hash) => hash.toString('base64').slice(0, HASH_CHARACTERS)),
  ]
  return {
    inAnyCase: [
      secret.toLowerCase(),
      ...spellings.map((text) => Buffer.from(text).toString('hex')),
      ...hashes.map((hash) => hash.toString('hex').slice(0, HASH_CHARACTERS)),
    ],
    exact: base64.flatMap((text) => [text, text.replaceAll('+', '-').replaceAll('/', '_')]),
  }
}

/** Whether a text contains one of the encodings. */
export function occursIn(text: string, { inAnyCase, exact }: Encodings): boolean {
  const lower = text.toLowerCase()
  return (
    inAnyCase.some((encoding) => lower.includes(encoding)) ||
    exact.some((encoding) => text.includes(encoding))
  )
}

/** Base64 of a text within other text, for each of three offsets: the characters that contain no bit of the other text. */
const base64AtAnyOffset = (text: string): readonly string[] =>
  [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)])
    return bytes.toString('base64').slice(Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6))
  })
