import { kindOf } from '../check-options.ts'
import type { Claims } from '../ports.ts'
import type { IntrospectionSettings } from './introspection-options.ts'
import type { JwtSettings } from './jwt-options.ts'
import { deepFreeze } from './principal.ts'
import { quoted } from './token-fault.ts'

// ── claims of a JWT ──────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Checks the claims of a JWT: times, audience, binding to a key, claims of ID tokens, subject, and the option `accept`. The
 * JWT library has checked the signature, `iss`, the header's `typ` and whether `exp` is present.
 *
 * @param at - now, in milliseconds since the epoch
 * @returns the first fault; `undefined` if the claims belong to an access token for this service
 */
export function findClaimsFault(claims: Claims, settings: JwtSettings, at: number): string | undefined {
  return (
    findJwtTimeFault(claims, settings, at) ??
    findAudienceFault(claims, settings.audience) ??
    findBinding(claims) ??
    findMarkFault(claims, settings.type) ??
    findSubjectFault(claims, settings) ??
    findAcceptFault(claims, settings)
  )
}

function findJwtTimeFault(claims: Claims, settings: JwtSettings, at: number): string | undefined {
  const { exp, iat } = claims
  const { clockToleranceMs, maxTokenAgeMs } = settings
  if (!isInstant(exp)) return `"exp" is ${quoted(exp)}, no number of seconds`
  if (!isFinite(iat)) return `"iat" is ${quoted(iat)}, no number of seconds`
  const fault = findTimeFault(claims, clockToleranceMs, at)
  if (fault !== undefined) return fault
  if (at < iat * 1_000 - clockToleranceMs)
    return `"iat" is ${skewOf(iat, at)}; ${toleranceOf(clockToleranceMs)}`
  if (at >= iat * 1_000 + maxTokenAgeMs + clockToleranceMs)
    return `"iat" was ${skewOf(iat, at)}; maxTokenAgeMs is ${maxTokenAgeMs}`
  return undefined
}

/**
 * Checks that the claims are those of an access token (RFC 8725 §3.11, §3.12). A token of RFC 9068 is not checked, because
 * its header has said so: `typ` is `at+jwt`.
 */
function findMarkFault(claims: Claims, type: JwtSettings['type']): string | undefined {
  if (type === 'at+jwt') return undefined
  if (type === 'JWT' && !ACCESS_MARKS.some((name) => isMark(claims[name])))
    return `with "typ" "JWT", one of ${quoted(ACCESS_MARKS)} must be among the claims; none is`
  // Keycloak before version 25 also puts the nonce of the login into access tokens. Their claim `typ` is `Bearer`.
  const isKeycloak = type === 'JWT' && claims['typ'] === 'Bearer'
  return findForeignMark(claims, isKeycloak ? ID_TOKEN_HASHES : ID_TOKEN_MARKS)
}

const ACCESS_MARKS = ['scope', 'scp', 'roles'] as const
const isMark = (value: unknown): boolean => typeof value === 'string' || Array.isArray(value)

/** The instant, in milliseconds since the epoch, at which claims that are valid now become invalid. */
export function endOfClaims(claims: Claims, { clockToleranceMs, maxTokenAgeMs }: JwtSettings): number {
  return (
    Math.min(Number(claims['exp']) * 1_000, Number(claims['iat']) * 1_000 + maxTokenAgeMs) + clockToleranceMs
  )
}

// ── claims of an introspection answer ────────────────────────────────────────────────────────────────────────────────

const ANSWER_TOLERANCE_MS = 30_000

/**
 * Checks an introspection answer (RFC 7662 §2.2).
 *
 * @param at - now, in milliseconds since the epoch
 * @returns the first fault; `undefined` if the answer describes an active Bearer access token for this service
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
    findTimeFault(answer, ANSWER_TOLERANCE_MS, at) ??
    findTokenTypeFault(answer) ??
    findBinding(answer) ??
    findForeignMark(answer) ??
    findSubjectFault(answer, settings) ??
    findAcceptFault(answer, settings)
  )
}

/** Checks that the token type is Bearer. Token types are case-insensitive (RFC 6749 §5.1). */
const findTokenTypeFault = ({ token_type: type }: Claims): string | undefined =>
  type === undefined || (typeof type === 'string' && type.toLowerCase() === 'bearer')
    ? undefined
    : `"token_type" is ${quoted(type)}, not Bearer`

/** The instant, in milliseconds since the epoch, until which an answer may be cached: its `exp` (RFC 7662 §4). */
export const endOfAnswer = ({ exp }: Claims): number =>
  isFinite(exp) ? exp * 1_000 : Number.POSITIVE_INFINITY

// ── claims of both ───────────────────────────────────────────────────────────────────────────────────────────────────

const LONGEST_SUBJECT = 256

/**
 * The claims that can name the subject. The first one that is present is used. A token without `sub` was issued to a client
 * that acts for itself, and `client_id` or `azp` names that client.
 */
const SUBJECTS = ['sub', 'client_id', 'azp'] as const

/** The option `subject`, which names the subject. If it is `undefined`, one of {@link SUBJECTS} does. */
interface SubjectSettings {
  readonly subject: ((claims: Claims) => string | undefined) | undefined
}

/**
 * Reads the subject of a principal. Returns `undefined` if it is missing or malformed. A malformed `sub` is not replaced by
 * another claim.
 */
export function subjectOf(claims: Claims, settings: SubjectSettings): string | undefined {
  const { value } = labelledSubject(claims, settings)
  return typeof value === 'string' && value !== '' && value.length <= LONGEST_SUBJECT ? value : undefined
}

function labelledSubject(
  claims: Claims,
  { subject }: SubjectSettings,
): { readonly label: string; readonly value: unknown } {
  if (subject) return { label: 'what the option subject gives', value: subject(deepFreeze(claims)) }
  const name = SUBJECTS.find((claim) => Object.hasOwn(claims, claim)) ?? 'sub'
  return { label: `"${name}"`, value: claims[name] }
}

function findSubjectFault(claims: Claims, settings: SubjectSettings): string | undefined {
  if (subjectOf(claims, settings) !== undefined) return undefined
  const { label, value } = labelledSubject(claims, settings)
  return `${label} is ${inShort(value)}, not a text of 1 to ${LONGEST_SUBJECT} characters`
}

/** Describes a claim without its value, because the value may identify a person. */
const inShort = (value: unknown): string => {
  if (value === undefined) return 'missing'
  return typeof value === 'string'
    ? `a text of ${value.length} characters`
    : `no text but of type ${typeof value}`
}

const toleranceOf = (ms: number): string => `the tolerance is ${ms / 1_000} s`

/**
 * `aud` must contain one of our names. A token without `aud` is refused, and so is one whose `aud` has a member that is not
 * a string (RFC 7519 §4.1.3). With `'none'`, a token that names any audience is refused, because it was issued for that
 * audience.
 */
function findAudienceFault({ aud }: Claims, ours: readonly string[] | 'none'): string | undefined {
  if (ours === 'none') return namesNobody(aud) ? undefined : `"aud" is ${quoted(aud)}, and audience is 'none'`
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  const isOurs = named.every((name) => typeof name === 'string') && named.some((name) => ours.includes(name))
  return isOurs ? undefined : `"aud" is ${quoted(aud)}, not strings with one of ${quoted(ours)}`
}

const namesNobody = (aud: unknown): boolean =>
  aud === undefined || aud === null || (Array.isArray(aud) && aud.length === 0)

/** Calls the option `accept`, if it is set. It is only set with `audience: 'none'`. */
function findAcceptFault(
  claims: Claims,
  { accept }: { readonly accept: ((claims: Claims) => boolean) | undefined },
): string | undefined {
  if (!accept) return undefined
  const verdict: unknown = accept(deepFreeze(claims))
  if (typeof verdict !== 'boolean')
    throw new TypeError(`the option accept gave ${kindOf(verdict)}, no boolean`)
  return verdict ? undefined : 'the option accept does not accept the claims'
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

/**
 * Refuses a token that is bound to a key. Its sender must prove possession of the key, and a Bearer request has no such
 * proof (RFC 9449 §7.2).
 */
const findBinding = (claims: Claims): string | undefined =>
  Object.hasOwn(claims, 'cnf') ? 'the token is bound to a key (cnf), so it is no Bearer token' : undefined

/**
 * Finds claims that only ID tokens, refresh tokens or logout tokens have. ID tokens: OpenID Connect Core §2, and claims that
 * some issuers add.
 */
function findForeignMark(claims: Claims, marks: readonly string[] = ID_TOKEN_MARKS): string | undefined {
  const mark = marks.find((name) => Object.hasOwn(claims, name))
  if (mark !== undefined) return `"${mark}" marks an ID token`
  if (isOneOf(OTHER_USES, claims['token_use']))
    return `"token_use" is ${quoted(claims['token_use'])}, which is no access token's`
  if (isOneOf(OTHER_TYPES, claims['typ']))
    return `"typ" among the claims is ${quoted(claims['typ'])}, which is no access token's`
  return undefined
}

const ID_TOKEN_HASHES = ['at_hash', 'c_hash'] as const
const ID_TOKEN_MARKS = ['nonce', ...ID_TOKEN_HASHES] as const
const OTHER_USES: readonly unknown[] = ['id', 'id_token', 'refresh', 'refresh_token'] // Cognito; Hydra
const OTHER_TYPES: readonly unknown[] = ['ID', 'Refresh', 'Offline', 'Logout'] // Keycloak

const isOneOf = (values: readonly unknown[], value: unknown): boolean => values.includes(value)

/**
 * Checks a number of seconds since the epoch, which may have a fraction (RFC 7519 §2). `Infinity` (JSON `1e999`) and numbers
 * above 2^53, which are not exact, are rejected.
 */
const isInstant = (value: unknown): value is number =>
  isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER

const isFinite = (value: unknown): value is number => Number.isFinite(value)

/** Says how long ago, or in how long, the instant of a claim (in seconds) is, so that a wrong clock is easy to recognize. */
const skewOf = (claim: number, at: number): string => {
  const seconds = Math.round(at / 1_000 - claim)
  return seconds >= 0 ? `${seconds} s ago` : `in ${-seconds} s`
}
