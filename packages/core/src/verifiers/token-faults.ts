import type { Claims } from '../ports.ts'

/** Why a token is refused: our own words, for the event's `cause`. It holds nothing of the token but claim names and times. */
export class TokenFault extends Error {
  override readonly name: string = 'TokenFault'
}

const LONGEST_SUBJECT = 256

/** A name by which a principal can be known, or `undefined`. */
export const subjectOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= LONGEST_SUBJECT ? value : undefined

/** Whether `aud` names one of ours. A member that is no string spoils it; absent, it names nobody (RFC 7519 §4.1.3). */
export function namesAudience(aud: unknown, ours: readonly string[]): boolean {
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  return named.every((name) => typeof name === 'string') && named.some((name) => ours.includes(name))
}

/** A token bound to a key proves nothing without a proof of that key, and a Bearer request has none (RFC 9449 §7.2). */
export const findBinding = (claims: Claims): string | undefined =>
  Object.hasOwn(claims, 'cnf') ? 'the token is bound to a key (cnf), so it is no Bearer token' : undefined

/** Marks of another token than an access token: ID tokens (OpenID Connect Core §2), and what some issuers add. */
export function findForeignMark(claims: Claims): string | undefined {
  const mark = ['nonce', 'at_hash', 'c_hash'].find((name) => Object.hasOwn(claims, name))
  if (mark !== undefined) return `"${mark}" marks an ID token`
  if (isOneOf(OTHER_USES, claims['token_use']))
    return '"token_use" tells of another token than an access token'
  if (isOneOf(OTHER_TYPES, claims['typ']))
    return '"typ" among the claims tells of another token than an access token'
  return undefined
}

const OTHER_USES: readonly unknown[] = ['id', 'id_token', 'refresh', 'refresh_token'] // Cognito; Hydra
const OTHER_TYPES: readonly unknown[] = ['ID', 'Refresh', 'Offline', 'Logout'] // Keycloak

const isOneOf = (values: readonly unknown[], value: unknown): boolean => values.includes(value)

/** Whole seconds between an instant in a claim (seconds) and now (ms), in words that show a wrong clock. */
export const skewOf = (claim: number, at: number): string => {
  const seconds = Math.round(at / 1_000 - claim)
  return seconds >= 0 ? `${seconds} s ago` : `in ${-seconds} s`
}
