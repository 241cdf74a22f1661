import type { Claims } from '../ports.ts'
import type { IntrospectionSettings } from './introspection-options.ts'
import { findBinding, findForeignMark, namesAudience, skewOf, subjectOf } from './token-faults.ts'

const CLOCK_TOLERANCE_MS = 30_000

/**
 * Finds why an introspection answer (RFC 7662 §2.2) does not speak of an active Bearer access token for us;
 * `undefined`: it does.
 *
 * @param at - now, ms since the epoch
 */
export function findAnswerFault(
  answer: Claims,
  settings: IntrospectionSettings,
  at: number,
): string | undefined {
  if (answer['active'] !== true) return 'the token is not active'
  if (answer['iss'] !== undefined && answer['iss'] !== settings.issuer)
    return '"iss" is not the configured issuer'
  if (!namesAudience(answer['aud'], settings.audience))
    return '"aud" does not name us, or not in strings alone'
  if (nameOf(answer) === undefined) return 'neither "sub" nor "client_id" is a text of 1 to 256 characters'
  return findTimeFault(answer, at) ?? findTypeFault(answer) ?? findBinding(answer) ?? findForeignMark(answer)
}

/** `sub`, or where there is none `client_id`: the client acts for itself. A `sub` that is no name is not passed over. */
export const nameOf = (answer: Claims): string | undefined =>
  subjectOf(Object.hasOwn(answer, 'sub') ? answer['sub'] : answer['client_id'])

function findTimeFault({ exp, nbf }: Claims, at: number): string | undefined {
  if (exp !== undefined && !isFinite(exp)) return '"exp" is no number of seconds'
  if (nbf !== undefined && !isFinite(nbf)) return '"nbf" is no number of seconds'
  if (exp !== undefined && at >= exp * 1_000 + CLOCK_TOLERANCE_MS) return `"exp" was ${skewOf(exp, at)}`
  if (nbf !== undefined && at < nbf * 1_000 - CLOCK_TOLERANCE_MS) return `"nbf" is ${skewOf(nbf, at)}`
  return undefined
}

/** Names of token types know no case (RFC 6749 §5.1). */
const findTypeFault = ({ token_type: type }: Claims): string | undefined =>
  type === undefined || (typeof type === 'string' && type.toLowerCase() === 'bearer')
    ? undefined
    : '"token_type" is not Bearer'

const isFinite = (value: unknown): value is number => Number.isFinite(value)

/** Until when, ms since the epoch, an answer may be remembered: not past `exp` (RFC 7662 §4). */
export const endOfAnswer = ({ exp }: Claims): number =>
  isFinite(exp) ? exp * 1_000 : Number.POSITIVE_INFINITY
