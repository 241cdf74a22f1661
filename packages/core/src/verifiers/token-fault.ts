import { withoutStack } from '../refusals.ts'

/**
 * Why a token is refused: what it has and what it must have. It becomes the `cause` of the event. It may quote claims that
 * say who issued the token, for whom and for when. It never contains the token.
 */
export class TokenFault extends Error {
  override readonly name: string = 'TokenFault'
}

/** Makes a {@link TokenFault} without a stack trace. */
export const tokenFault = (text: string): TokenFault => withoutStack(() => new TokenFault(text))

const LONGEST_SHOWN = 128

/** Formats a value as JSON of at most 128 characters, for a fault. */
export function quoted(value: unknown): string {
  if (value === undefined) return 'missing'
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value)
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text
}
