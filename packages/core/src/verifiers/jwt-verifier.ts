import type { Principal, TokenVerifier } from '../ports.ts'
import { refuse } from '../refusals.ts'
import { endOfClaims, subjectOf } from './claims.ts'
import { checkJwtOptions, type JwtVerifierOptions } from './jwt-options.ts'
import { fixedKeySource, remoteKeySource } from './key-source.ts'
import type { AcceptRule, Audience } from './option-checks.ts'
import { createPrincipal } from './principal.ts'
import { readJwt, type ReadJwt } from './read-jwt.ts'
import { defaultRuntime, type Runtime } from './runtime.ts'
import { createTokenCache, digestOf } from './token-cache.ts'
import { TokenFault } from './token-fault.ts'
import { createTroubleSource } from './trouble.ts'
import { createTrustedIssuers } from './trusted-issuers.ts'

/**
 * Verifies JWT access tokens (RFC 9068 §4, RFC 8725): signature, `iss`, `aud`, `exp`, `nbf`, `iat`, the subject and `typ`.
 * A token that fails a check gets `refuse('token_invalid')`, and its `cause` says which check failed. If the keys cannot be
 * fetched, the token gets `refuse('unavailable')`. A token that is bound to a key (`cnf`) is refused (RFC 9449 §7.2).
 *
 * The principal's `issuer` is the token's `iss`. The principal's `subject` is the token's `sub`. If the token has no `sub`,
 * the subject is its `client_id`, and if it has neither, its `azp`. A subject of more than 256 characters is refused.
 *
 * Without `jwks`, the verifier finds the address of the keys in the issuer's metadata. Every issuer has its own keys: a key
 * of one issuer never verifies a token of another.
 *
 * The verifier fetches a key set for the first token or the first `ready` call. It uses the set for 10 minutes and
 * refreshes it before they end. If a token has an unknown `kid`, the verifier fetches the set once more, but not within
 * 30 s of the last fetch. So publish a new key 10 minutes before you sign with it. If the fetch for an unknown `kid` fails, the
 * token gets `refuse('unavailable')`, because a newer set may hold its key. The verifier tries every key that has the
 * token's `kid`. It ignores weak keys: RSA keys of fewer than 2,048 bits, and RSA keys whose exponent is even or below
 * 65,537. It stops using a key at the key's own `exp`.
 *
 * The verifier reports these troubles:
 * - `'keys_not_refreshed'`, once per outage: a fetch failed, but the known keys can still be used.
 * - `'keys_stale'`, once per outage: the keys are used although they are older than 10 minutes.
 * - `'keys_weak'`, once until a fetched set has no weak key: the set has weak keys.
 * - `'keys_empty'`, for each such set: the set has no key that can verify a signature.
 *
 * `ready` resolves when keys are known, and rejects with the cause if they cannot be fetched. With a list of issuers, the
 * keys of one issuer are enough. If `issuer` is a function, `ready` resolves at once.
 *
 * @throws TypeError at creation, naming each wrong option
 * @example
 * createJwtVerifier({
 *   issuer: 'https://login.example.com',
 *   audience: 'exports',
 *   jwks: new URL('https://login.example.com/keys'),
 *   type: 'at+jwt',
 * })
 */
export function createJwtVerifier<const A extends Audience>(
  options: JwtVerifierOptions & AcceptRule<A>,
): TokenVerifier {
  return createJwtVerifierIn(defaultRuntime, options)
}

/** {@link createJwtVerifier} with the caller's clock, random source and limits. */
export function createJwtVerifierIn(runtime: Runtime, options: JwtVerifierOptions): TokenVerifier {
  const settings = checkJwtOptions(options)
  const { now, mostTokens, mostBytes } = runtime
  const { cacheMs, fetch, issuer, jwks, maxTokenLength, readClaims, staleKeysMs } = settings
  const { onTrouble, report } = createTroubleSource()
  const verified = createTokenCache<Promise<Principal>>(mostTokens, mostBytes) // so that a cache hit creates no promise
  const changed = (): void => verified.clear()
  const trusted = createTrustedIssuers(issuer, {
    createSource: (name, onChange, reportForIssuer) =>
      typeof jwks === 'object'
        ? fixedKeySource(jwks)
        : remoteKeySource({
            url: jwks,
            issuer: name,
            fetch,
            staleKeysMs,
            changed: onChange,
            report: reportForIssuer,
            runtime,
          }),
    changed,
    report,
    runtime,
  })

  const read = async (token: string, at: number, signal: AbortSignal): Promise<ReadJwt> => {
    try {
      return await readJwt(token, trusted, settings, at, signal)
    } catch (cause) {
      if (cause instanceof TokenFault) refuse('token_invalid', { cause })
      throw cause
    }
  }
  const verifyAnew = async (
    token: string,
    digest: string | undefined,
    signal: AbortSignal,
  ): Promise<Principal> => {
    const at = now()
    const { claims, keys, key, trustedIssuer } = await read(token, at, signal)
    const principal = createPrincipal(
      trustedIssuer.issuer,
      subjectOf(claims, settings) ?? '',
      claims,
      readClaims,
    )
    trustedIssuer.proved()
    const goodUntil = Math.min(trustedIssuer.source.goodUntil(keys), key.until)
    const until = Math.min(at + cacheMs, endOfClaims(claims, settings), goodUntil)
    if (digest !== undefined)
      verified.set(digest, Promise.resolve(principal), { since: at, until, bytes: token.length })
    return principal
  }
  return {
    onTrouble,
    ready: trusted.ready,
    verify(token, signal) {
      if (cacheMs === 0 || token.length > maxTokenLength) return verifyAnew(token, undefined, signal)
      const digest = digestOf(token)
      return verified.get(digest, now()) ?? verifyAnew(token, digest, signal)
    },
  }
}
