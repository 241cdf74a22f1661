import {
  decodeProtectedHeader,
  errors,
  type JWTVerifyOptions,
  jwtVerify,
  type ProtectedHeaderParameters,
} from 'jose'

import type { Claims } from '../ports.ts'
import { findClaimsFault } from './jwt-claims.ts'
import type { JwtSettings } from './jwt-options.ts'
import type { KeySet } from './key-set.ts'
import type { KeySource } from './key-source.ts'
import { LONGEST_TOKEN } from './token-cache.ts'
import { TokenFault } from './token-faults.ts'

/** What a token proves, and by which keys. */
export interface ReadJwt {
  readonly claims: Claims
  readonly keys: KeySet
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
  const keys = await findKeys(header, source, signal)
  try {
    const { payload } = await jwtVerify(token, keys.choose, joseOptions(settings, at))
    const fault = findClaimsFault(payload, settings, at)
    if (fault !== undefined) throw new TokenFault(fault)
    return { claims: payload, keys }
  } catch (error) {
    throw error instanceof errors.JOSEError ? explain(error, settings, at) : error
  }
}

const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** Judged before any key is asked for: what cannot be good must not cost a fetch. */
function readHeader(token: string, { algorithms }: JwtSettings): ProtectedHeaderParameters {
  // The shape is ours to judge: jose lets a blank at the end pass.
  if (token.length > LONGEST_TOKEN || !COMPACT_JWS.test(token))
    throw new TokenFault('it has not the shape of a JWT')
  const header = decodeHeader(token)
  if (!algorithms.some((name) => name === header.alg)) throw new TokenFault('"alg" is not accepted')
  if (Object.hasOwn(header, 'b64')) throw new TokenFault('"b64" has no place in a JWT (RFC 7797 §7)')
  return header
}

function decodeHeader(token: string): ProtectedHeaderParameters {
  try {
    return decodeProtectedHeader(token)
  } catch {
    throw new TokenFault('its header is no JSON object')
  }
}

async function findKeys(
  { kid }: ProtectedHeaderParameters,
  source: KeySource,
  signal: AbortSignal,
): Promise<KeySet> {
  const known = await source.keys(signal)
  if (kid === undefined && known.size > 1)
    throw new TokenFault('"kid" is missing, and there are several keys')
  if (typeof kid !== 'string' || known.kids.has(kid)) return known
  const keys = (await source.newer(signal)) ?? known
  if (!keys.kids.has(kid)) throw new TokenFault('"kid" names no key of the issuer')
  return keys
}

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
