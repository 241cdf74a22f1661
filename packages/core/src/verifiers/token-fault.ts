import { withoutStack } from '../refusals.ts'

/**
 * Why a token is refused, for the event's `cause`: what was got and what was wanted. It names claims that say who issued a
 * token, for whom and for when; it never holds the token.
 */
export class TokenFault extends Error {
  override readonly name: string = 'TokenFault'
}

/** Makes a {@link TokenFault} without a stack trace. */
export const tokenFault = (text: string): TokenFault => withoutStack(() => new TokenFault(text))

const LONGEST_SHOWN = 128

/** What was got, as JSON of at most 128 characters. */
export function quoted(value: unknown): string {
  if (value === undefined) return 'missing'
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value)
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text
}
