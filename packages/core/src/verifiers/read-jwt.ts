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

/** What a token proves, and by which key of which set. */
export interface ReadJwt {
  readonly claims: Claims
  readonly keys: KeySet
  readonly key: VerificationKey
  readonly trustedIssuer: TrustedIssuer
}

/**
 * Verifies a token at an instant, ms since the epoch.
 *
 * @throws TokenFault for every fault of the token; what the key source throws, for its own
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

/** Issuers have been seen to publish different keys under one `kid`, so a wrong signature is no verdict: `undefined`. */
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

/** Judged before any key is asked for: what cannot be good must not cost a fetch. */
function readHeader(token: string, { algorithms, maxTokenLength }: JwtSettings): JwtHeader {
  if (token.length > maxTokenLength)
    throw tokenFault(`it has ${token.length} characters, more than maxTokenLength ${maxTokenLength}`)
  // The shape is ours to judge: jose lets a blank at the end pass.
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

/** What of a header chooses the key, and its type. */
interface JwtHeader {
  readonly alg: string
  readonly kid: string | undefined
  readonly typ: unknown
}

/** The header of a token, and the `iss` that its claims must have: the one whose keys are used. */
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

/** The known keys, or newer ones where none of them has the token's `kid`. */
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

/** Errors of jose carry the claims, so they go no further; ours say which check failed, and what was got and wanted. */
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
