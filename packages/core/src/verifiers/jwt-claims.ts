import type { Claims } from '../ports.ts'
import type { JwtSettings } from './jwt-options.ts'
import { findBinding, findForeignMark, namesAudience, skewOf, subjectOf } from './token-faults.ts'

/**
 * Finds why verified claims are not an access token for us, beyond what a JWT library asks of them; `undefined`: they
 * are one. Signature, `iss`, `typ` of the header and the presence of claims are judged before.
 *
 * @param at - now, ms since the epoch
 */
export function findClaimsFault(claims: Claims, settings: JwtSettings, at: number): string | undefined {
  return (
    findTimeFault(claims, settings, at) ??
    (subjectOf(claims['sub']) === undefined ? '"sub" is no text of 1 to 256 characters' : undefined) ??
    (namesAudience(claims['aud'], settings.audience)
      ? undefined
      : '"aud" does not name us, or not in strings alone') ??
    findBinding(claims) ??
    findTypeFault(claims, settings.type)
  )
}

function findTimeFault(claims: Claims, settings: JwtSettings, at: number): string | undefined {
  const { exp, iat, nbf } = claims
  const { clockToleranceMs, maxTokenAgeMs } = settings
  if (!isWhole(exp)) return '"exp" is no whole number of seconds' // 1e999 parses to Infinity
  if (!isFinite(iat)) return '"iat" is no number of seconds'
  if (nbf !== undefined && !isFinite(nbf)) return '"nbf" is no number of seconds'
  if (at >= exp * 1_000 + clockToleranceMs) return `"exp" was ${skewOf(exp, at)}`
  if (nbf !== undefined && at < nbf * 1_000 - clockToleranceMs) return `"nbf" is ${skewOf(nbf, at)}`
  if (at < iat * 1_000 - clockToleranceMs) return `"iat" is ${skewOf(iat, at)}`
  if (at >= iat * 1_000 + maxTokenAgeMs + clockToleranceMs) return `"iat" was ${skewOf(iat, at)}: too old`
  return undefined
}

/** RFC 9068 types its tokens in the header; where the header cannot tell, the claims must (RFC 8725 §3.11, §3.12). */
function findTypeFault(claims: Claims, type: JwtSettings['type']): string | undefined {
  if (type === 'at+jwt') return undefined
  if (type === 'JWT' && !ACCESS_MARKS.some((name) => isMark(claims[name]))) {
    return 'no second mark of an access token: "scope", "scp" or "roles"'
  }
  return findForeignMark(claims)
}

const ACCESS_MARKS = ['scope', 'scp', 'roles'] as const
const isMark = (value: unknown): boolean => typeof value === 'string' || Array.isArray(value)

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value)
const isFinite = (value: unknown): value is number => Number.isFinite(value)

/** Until when, ms since the epoch, claims without a fault stay so. */
export function endOfClaims(claims: Claims, { clockToleranceMs, maxTokenAgeMs }: JwtSettings): number {
  return (
    Math.min(Number(claims['exp']) * 1_000, Number(claims['iat']) * 1_000 + maxTokenAgeMs) + clockToleranceMs
  )
}
