import { hash } from 'node:crypto'

const LONGEST = 160

/**
 * One string for these parts, and another one for any others: JSON, or the SHA-256 of it where it would be over 160
 * characters. JSON escapes lone surrogates, so nothing is lost in UTF-8, and gives a flat string, which a table of many
 * keys holds in a third of the memory of a concatenated one.
 */
export function keyName(parts: readonly (string | number)[]): string {
  const name = JSON.stringify(parts)
  return name.length <= LONGEST ? name : hash('sha256', name, 'base64url')
}
