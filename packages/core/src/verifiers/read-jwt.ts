import {
  decodeProtectedHeader,
  errors,
  type JWTVerifyOptions,
  jwtVerify,
  type ProtectedHeaderParameters,
} from 'jose'

import type { Claims } from '../ports.ts'
import { findClaimsFault } from './claims.ts'
import type { JwtSettings } from './jwt-options.ts'
import type { KeySet, VerificationKey } from './key-set.ts'
import type { KeySource } from './key-source.ts'
import { quoted, tokenFault, type TokenFault } from './token-fault.ts'
import type { TrustedIssuer, TrustedIssuers } from './trusted-issuers.ts'

/** The verified claims of a token, the key that verified its signature, the set of that key, and the issuer. */
export interface ReadJwt {
  readonly claims: Claims
  readonly keys: KeySet
  readonly key: VerificationKey
  readonly trustedIssuer: TrustedIssuer
}

/**
 * Verifies a token.
 *
 * @param at - now, in milliseconds since the epoch
 * @throws TokenFault if the token fails a check; the error of the key source if the keys cannot be fetched
 */
export async function readJwt(
  token: string,
  trusted: TrustedIssuers,
  settings: JwtSettings,
  at: number,
  signal: AbortSignal,
): Promise<ReadJwt> {
  const header = readHeader(token, settings)
  const trustedIssuer = trusted.of(token)
  const { keys, matching } = await findKeys(header, trustedIssuer.source, at, signal)
  for (const key of matching) {
    const claims = await verifyWith(key, token, { ...header, issuer: trustedIssuer.issuer }, settings, at)
    if (claims) return { claims, keys, key, trustedIssuer }
  }
  const chosen = `"kid" ${quoted(header.kid)} and "alg" ${quoted(header.alg)}`
  throw tokenFault(
    matching.length === 0
      ? `no key of the issuer has ${chosen}`
      : `the signature is wrong for each key of the issuer with ${chosen}`,
  )
}

/**
 * Verifies a token with one key. Returns `undefined` if the signature is wrong: some issuers publish several keys under one
 * `kid`, so another key may verify it.
 *
 * @throws TokenFault if the token fails another check
 */
async function verifyWith(
  { key }: VerificationKey,
  token: string,
  expected: Expected,
  settings: JwtSettings,
  at: number,
): Promise<Claims | undefined> {
  try {
    const { payload } = await jwtVerify(token, key, joseOptions(expected, settings, at))
    const fault = findClaimsFault(payload, settings, at)
    if (fault !== undefined) throw tokenFault(fault)
    return payload
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return undefined
    throw error instanceof errors.JOSEError ? explain(error, expected, settings, at) : error
  }
}

const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** Reads and checks the header. This comes before the keys are read, so that a malformed token cannot cause a fetch. */
function readHeader(token: string, { algorithms, maxTokenLength }: JwtSettings): JwtHeader {
  if (token.length > maxTokenLength)
    throw tokenFault(`it has ${token.length} characters, more than maxTokenLength ${maxTokenLength}`)
  // Checked here because jose accepts a blank at the end.
  if (!COMPACT_JWS.test(token))
    throw tokenFault('it is not three base64url parts with dots between (RFC 7515 §7.1)')
  const header = decodeHeader(token)
  const { alg, kid, typ } = header
  if (alg === undefined || !algorithms.includes(alg))
    throw tokenFault(`"alg" is ${quoted(alg)}, not one of ${algorithms.join(', ')}`)
  if (kid !== undefined && typeof kid !== 'string') throw tokenFault(`"kid" is ${quoted(kid)}, no string`)
  if (Object.hasOwn(header, 'b64')) throw tokenFault('"b64" has no place in a JWT (RFC 7797 §7)')
  return { alg, kid, typ }
}

/** The header members that select the key (`alg`, `kid`), and the type of the token (`typ`). */
interface JwtHeader {
  readonly alg: string
  readonly kid: string | undefined
  readonly typ: unknown
}

/** The header of a token, and the `iss` that its claims must have: the name of the issuer whose keys are used. */
interface Expected extends JwtHeader {
  readonly issuer: string
}

function decodeHeader(token: string): ProtectedHeaderParameters {
  try {
    return decodeProtectedHeader(token)
  } catch {
    throw tokenFault('its header is no JSON object')
  }
}

/** Finds the keys that may have signed the token. If no known key has its `kid`, the key set is fetched again. */
async function findKeys(
  { alg, kid }: JwtHeader,
  source: KeySource,
  at: number,
  signal: AbortSignal,
): Promise<{ readonly keys: KeySet; readonly matching: readonly VerificationKey[] }> {
  let keys = await source.keys(signal)
  let named = keysNamed(kid, keys, at)
  if (kid !== undefined && named.length === 0) {
    keys = (await source.newer(signal)) ?? keys
    named = keysNamed(kid, keys, at)
    if (named.length === 0)
      throw tokenFault(
        `"kid" is ${quoted(kid)}, not one of the issuer's ${quoted(keys.keys.map((key) => key.kid))}`,
      )
  }
  if (kid === undefined && new Set(named.map(({ thumbprint }) => thumbprint)).size > 1)
    throw tokenFault('"kid" is missing, and the issuer has several keys')
  return { keys, matching: named.filter(({ fits }) => fits(alg)) }
}

const keysNamed = (kid: string | undefined, { keys }: KeySet, at: number): readonly VerificationKey[] =>
  keys.filter((key) => at < key.until && (kid === undefined || kid === key.kid))

const joseOptions = ({ issuer }: Expected, settings: JwtSettings, at: number): JWTVerifyOptions => ({
  algorithms: [...settings.algorithms],
  issuer,
  ...(settings.audience !== 'none' && { audience: [...settings.audience] }),
  ...(settings.type !== 'any' && { typ: settings.type }),
  requiredClaims: ['exp'],
  clockTolerance: settings.clockToleranceMs / 1_000,
  maxTokenAge: settings.maxTokenAgeMs / 1_000,
  currentDate: new Date(at),
})

/**
 * Replaces an error of jose, because it holds the claims. The new error says which check failed, what the token has and
 * what it must have.
 */
function explain(
  error: errors.JOSEError,
  { typ, issuer }: Expected,
  settings: JwtSettings,
  at: number,
): TokenFault {
  if (!(error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired))
    return tokenFault(error.code)
  const { claim, payload, reason } = error
  if (claim === 'typ') return tokenFault(`"typ" of the header is ${quoted(typ)}, not "${settings.type}"`)
  if (claim === 'iss') return tokenFault(`"iss" is ${quoted(payload.iss)}, not ${quoted(issuer)}`)
  return tokenFault(findClaimsFault(payload, settings, at) ?? `"${claim}": ${reason}`)
}
