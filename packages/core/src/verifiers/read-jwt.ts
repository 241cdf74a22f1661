import {
  decodeProtectedHeader,
  errors,
  type JWTVerifyOptions,
  jwtVerify,
  type ProtectedHeaderParameters,
} from 'jose'

import type { Claims } from '../ports.ts'
import { findClaimsFault, TokenFault } from './claims.ts'
import type { JwtSettings } from './jwt-options.ts'
import type { KeySet, VerificationKey } from './key-set.ts'
import type { KeySource } from './key-source.ts'
import { LONGEST_TOKEN } from './token-cache.ts'

/** What a token proves, and by which key of which set. */
export interface ReadJwt {
  readonly claims: Claims
  readonly keys: KeySet
  readonly key: VerificationKey
}

/**
 * Verifies a token at an instant, ms since the epoch.
 *
 * @throws {@link TokenFault} for every fault of the token; what the key source throws, for its own
 */
export async function readJwt(
  token: string,
  source: KeySource,
  settings: JwtSettings,
  at: number,
  signal: AbortSignal,
): Promise<ReadJwt> {
  const header = readHeader(token, settings)
  const { keys, matching } = await findKeys(header, source, at, signal)
  for (const key of matching) {
    const claims = await verifyWith(key, token, settings, at)
    if (claims) return { claims, keys, key }
  }
  throw new TokenFault(
    matching.length === 0 ? 'no key of the issuer fits "kid" and "alg"' : 'the signature is wrong',
  )
}

/** Issuers have been seen to publish different keys under one `kid`, so a wrong signature is no verdict: `undefined`. */
async function verifyWith(
  { key }: VerificationKey,
  token: string,
  settings: JwtSettings,
  at: number,
): Promise<Claims | undefined> {
  try {
    const { payload } = await jwtVerify(token, key, joseOptions(settings, at))
    const fault = findClaimsFault(payload, settings, at)
    if (fault !== undefined) throw new TokenFault(fault)
    return payload
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return undefined
    throw error instanceof errors.JOSEError ? explain(error, settings, at) : error
  }
}

const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** Judged before any key is asked for: what cannot be good must not cost a fetch. */
function readHeader(token: string, { algorithms }: JwtSettings): JwtHeader {
  // The shape is ours to judge: jose lets a blank at the end pass.
  if (token.length > LONGEST_TOKEN || !COMPACT_JWS.test(token))
    throw new TokenFault('it has not the shape of a JWT')
  const header = decodeHeader(token)
  const { alg, kid } = header
  if (alg === undefined || !algorithms.includes(alg)) throw new TokenFault('"alg" is not accepted')
  if (kid !== undefined && typeof kid !== 'string') throw new TokenFault('"kid" is no string')
  if (Object.hasOwn(header, 'b64')) throw new TokenFault('"b64" has no place in a JWT (RFC 7797 §7)')
  return { alg, kid }
}

/** What of a header chooses the key. */
interface JwtHeader {
  readonly alg: string
  readonly kid: string | undefined
}

function decodeHeader(token: string): ProtectedHeaderParameters {
  try {
    return decodeProtectedHeader(token)
  } catch {
    throw new TokenFault('its header is no JSON object')
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
    if (named.length === 0) throw new TokenFault('"kid" names no key of the issuer')
  }
  if (kid === undefined && new Set(named.map(({ thumbprint }) => thumbprint)).size > 1)
    throw new TokenFault('"kid" is missing, and there are several keys')
  return { keys, matching: named.filter(({ fits }) => fits(alg)) }
}

const keysNamed = (kid: string | undefined, { keys }: KeySet, at: number): readonly VerificationKey[] =>
  keys.filter((key) => at < key.until && (kid === undefined || kid === key.kid))

const joseOptions = (settings: JwtSettings, at: number): JWTVerifyOptions => ({
  algorithms: [...settings.algorithms],
  issuer: settings.issuer,
  audience: [...settings.audience],
  ...(settings.type !== 'any' && { typ: settings.type }),
  requiredClaims: ['exp', 'sub'],
  clockTolerance: settings.clockToleranceMs / 1_000,
  maxTokenAge: settings.maxTokenAgeMs / 1_000,
  currentDate: new Date(at),
})

/** Errors of jose carry the claims, so they go no further; ours tell which check failed, and by how much a clock differs. */
function explain(error: errors.JOSEError, settings: JwtSettings, at: number): TokenFault {
  if (!(error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired))
    return new TokenFault(error.code)
  const { claim, payload, reason } = error
  const ours =
    reason === 'missing' || claim === 'iss' || claim === 'typ'
      ? undefined
      : findClaimsFault(payload, settings, at)
  return new TokenFault(ours ?? `"${claim}": ${reason}`)
}
