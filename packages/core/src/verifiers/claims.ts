import type { Claims } from '../ports.ts'
import type { IntrospectionSettings } from './introspection-options.ts'
import type { JwtSettings } from './jwt-options.ts'
import { quoted } from './token-fault.ts'

// ── of a JWT ─────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Finds why verified claims are not an access token for us, beyond what a JWT library asks of them; `undefined`: they
 * are one. Signature, `iss`, `typ` of the header and the presence of claims are judged before.
 *
 * @param at - now, ms since the epoch
 */
export function findClaimsFault(claims: Claims, settings: JwtSettings, at: number): string | undefined {
  return (
    findJwtTimeFault(claims, settings, at) ??
    (subjectOf(claims['sub']) === undefined
      ? `"sub" is ${inShort(claims['sub'])}, ${NO_SUBJECT}`
      : undefined) ??
    findAudienceFault(claims, settings.audience) ??
    findBinding(claims) ??
    findMarkFault(claims, settings.type)
  )
}

function findJwtTimeFault(claims: Claims, settings: JwtSettings, at: number): string | undefined {
  const { exp, iat } = claims
  const { clockToleranceMs, maxTokenAgeMs } = settings
  if (!Number.isSafeInteger(exp)) return `"exp" is ${quoted(exp)}, no whole number of seconds` // 1e999 parses to Infinity
  if (!isFinite(iat)) return `"iat" is ${quoted(iat)}, no number of seconds`
  const fault = findTimeFault(claims, clockToleranceMs, at)
  if (fault !== undefined) return fault
  if (at < iat * 1_000 - clockToleranceMs)
    return `"iat" is ${skewOf(iat, at)}; ${toleranceOf(clockToleranceMs)}`
  if (at >= iat * 1_000 + maxTokenAgeMs + clockToleranceMs)
    return `"iat" was ${skewOf(iat, at)}; maxTokenAgeMs is ${maxTokenAgeMs}`
  return undefined
}

/** RFC 9068 types its tokens in the header; where the header cannot tell, the claims must (RFC 8725 §3.11, §3.12). */
function findMarkFault(claims: Claims, type: JwtSettings['type']): string | undefined {
  if (type === 'at+jwt') return undefined
  if (type === 'JWT' && !ACCESS_MARKS.some((name) => isMark(claims[name])))
    return `with "typ" "JWT", one of ${quoted(ACCESS_MARKS)} must be among the claims; none is`
  return findForeignMark(claims)
}

const ACCESS_MARKS = ['scope', 'scp', 'roles'] as const
const isMark = (value: unknown): boolean => typeof value === 'string' || Array.isArray(value)

/** Until when, ms since the epoch, claims without a fault stay so. */
export function endOfClaims(claims: Claims, { clockToleranceMs, maxTokenAgeMs }: JwtSettings): number {
  return (
    Math.min(Number(claims['exp']) * 1_000, Number(claims['iat']) * 1_000 + maxTokenAgeMs) + clockToleranceMs
  )
}

// ── of an introspection answer ───────────────────────────────────────────────────────────────────────────────────

const ANSWER_TOLERANCE_MS = 30_000

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
  if (answer['active'] !== true) return `"active" is ${quoted(answer['active'])}, not true`
  if (answer['iss'] !== undefined && answer['iss'] !== settings.issuer)
    return `"iss" is ${quoted(answer['iss'])}, not ${quoted(settings.issuer)}`
  return (
    findAudienceFault(answer, settings.audience) ??
    (nameOf(answer) === undefined
      ? `"sub" is ${inShort(answer['sub'])} and "client_id" is ${inShort(answer['client_id'])}, ${NO_SUBJECT}`
      : undefined) ??
    findTimeFault(answer, ANSWER_TOLERANCE_MS, at) ??
    findTokenTypeFault(answer) ??
    findBinding(answer) ??
    findForeignMark(answer)
  )
}

/** `sub`, or where there is none `client_id`: the client acts for itself. A `sub` that is no name is not passed over. */
export const nameOf = (answer: Claims): string | undefined =>
  subjectOf(Object.hasOwn(answer, 'sub') ? answer['sub'] : answer['client_id'])

/** Names of token types know no case (RFC 6749 §5.1). */
const findTokenTypeFault = ({ token_type: type }: Claims): string | undefined =>
  type === undefined || (typeof type === 'string' && type.toLowerCase() === 'bearer')
    ? undefined
    : `"token_type" is ${quoted(type)}, not Bearer`

/** Until when, ms since the epoch, an answer may be remembered: not past `exp` (RFC 7662 §4). */
export const endOfAnswer = ({ exp }: Claims): number =>
  isFinite(exp) ? exp * 1_000 : Number.POSITIVE_INFINITY

// ── of both ──────────────────────────────────────────────────────────────────────────────────────────────────────

const LONGEST_SUBJECT = 256

const NO_SUBJECT = `not a text of 1 to ${LONGEST_SUBJECT} characters`

/** What a claim is, without showing it: it may name a person. */
const inShort = (value: unknown): string => {
  if (value === undefined) return 'missing'
  return typeof value === 'string'
    ? `a text of ${value.length} characters`
    : `no text but of type ${typeof value}`
}

const toleranceOf = (ms: number): string => `the tolerance is ${ms / 1_000} s`

/** A name by which a principal can be known, or `undefined`. */
const subjectOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= LONGEST_SUBJECT ? value : undefined

/** `aud` must name one of ours. A member that is no string spoils it; absent, it names nobody (RFC 7519 §4.1.3). */
function findAudienceFault({ aud }: Claims, ours: readonly string[]): string | undefined {
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  const isOurs = named.every((name) => typeof name === 'string') && named.some((name) => ours.includes(name))
  return isOurs ? undefined : `"aud" is ${quoted(aud)}, not strings with one of ${quoted(ours)}`
}

function findTimeFault({ exp, nbf }: Claims, toleranceMs: number, at: number): string | undefined {
  if (exp !== undefined && !isFinite(exp)) return `"exp" is ${quoted(exp)}, no number of seconds`
  if (nbf !== undefined && !isFinite(nbf)) return `"nbf" is ${quoted(nbf)}, no number of seconds`
  if (exp !== undefined && at >= exp * 1_000 + toleranceMs)
    return `"exp" was ${skewOf(exp, at)}; ${toleranceOf(toleranceMs)}`
  if (nbf !== undefined && at < nbf * 1_000 - toleranceMs)
    return `"nbf" is ${skewOf(nbf, at)}; ${toleranceOf(toleranceMs)}`
  return undefined
}

/** A token bound to a key proves nothing without a proof of that key, and a Bearer request has none (RFC 9449 §7.2). */
const findBinding = (claims: Claims): string | undefined =>
  Object.hasOwn(claims, 'cnf') ? 'the token is bound to a key (cnf), so it is no Bearer token' : undefined

/** Marks of another token than an access token: ID tokens (OpenID Connect Core §2), and what some issuers add. */
function findForeignMark(claims: Claims): string | undefined {
  const mark = ['nonce', 'at_hash', 'c_hash'].find((name) => Object.hasOwn(claims, name))
  if (mark !== undefined) return `"${mark}" marks an ID token`
  if (isOneOf(OTHER_USES, claims['token_use']))
    return `"token_use" is ${quoted(claims['token_use'])}, which is no access token's`
  if (isOneOf(OTHER_TYPES, claims['typ']))
    return `"typ" among the claims is ${quoted(claims['typ'])}, which is no access token's`
  return undefined
}

const OTHER_USES: readonly unknown[] = ['id', 'id_token', 'refresh', 'refresh_token'] // Cognito; Hydra
const OTHER_TYPES: readonly unknown[] = ['ID', 'Refresh', 'Offline', 'Logout'] // Keycloak

const isOneOf = (values: readonly unknown[], value: unknown): boolean => values.includes(value)

const isFinite = (value: unknown): value is number => Number.isFinite(value)

/** Whole seconds between an instant in a claim (seconds) and now (ms), in words that show a wrong clock. */
const skewOf = (claim: number, at: number): string => {
  const seconds = Math.round(at / 1_000 - claim)
  return seconds >= 0 ? `${seconds} s ago` : `in ${-seconds} s`
}
