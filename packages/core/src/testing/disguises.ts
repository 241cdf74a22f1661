import { createHash } from 'node:crypto'

/** What a text looks like once it has been encoded. */
export interface Disguises {
  /** In lower case: to be sought in a text of lower case. */
  readonly inAnyCase: readonly string[]
  readonly exact: readonly string[]
}

/** So many characters of a hash are no accident, and a cut hash is found too. */
const TELLING = 16

/** The disguises of a secret, as it is and in the other case. Escapes are not among them: those the reader undoes. */
export function disguisesOf(secret: string): Disguises {
  const spellings = [...new Set([secret, secret.toLowerCase(), secret.toUpperCase()])]
  const hashes = spellings.map((text) => createHash('sha256').update(text).digest())
  const base64 = [
    ...spellings.flatMap(base64AtAnyOffset),
    ...hashes.map((hash) => hash.toString('base64').slice(0, TELLING)),
  ]
  return {
    inAnyCase: [
      secret.toLowerCase(),
      ...spellings.map((text) => Buffer.from(text).toString('hex')),
      ...hashes.map((hash) => hash.toString('hex').slice(0, TELLING)),
    ],
    exact: base64.flatMap((text) => [text, text.replaceAll('+', '-').replaceAll('/', '_')]),
  }
}

/** Whether any of the disguises stands in a text. */
export function isSeenIn(text: string, { inAnyCase, exact }: Disguises): boolean {
  const lower = text.toLowerCase()
  return (
    inAnyCase.some((disguise) => lower.includes(disguise)) ||
    exact.some((disguise) => text.includes(disguise))
  )
}

/** Base64 of a text in the middle of others: the characters that hold no bit of its neighbours, for each offset in three. */
const base64AtAnyOffset = (text: string): readonly string[] =>
  [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)])
    return bytes.toString('base64').slice(Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6))
  })
