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
 * Every fault of a token is `refuse('token_invalid')`, with a `cause` that says which check failed; a key set that
 * cannot be had is `refuse('unavailable')`. A token bound to a key (`cnf`) is refused: RFC 9449 §7.2.
 *
 * A principal's `issuer` is the token's `iss`. Its `subject` is the token's `sub`, or where it has none `client_id`, or `azp`,
 * of at most 256 characters.
 *
 * Without `jwks`, its address is discovered from the issuer's metadata. Of several issuers each has keys of its own, and a
 * key of one never verifies a token of another.
 *
 * A key set at an address is fetched for the first token or `ready` call, known for 10 minutes and refreshed before. An
 * unknown `kid` fetches it again unless that was done in the last 30 s: publish a new key 10 minutes before you sign with
 * it. Where that fetch fails, the token is `refuse('unavailable')`: nobody knows whether it is good. All keys of the
 * token's `kid` are tried. Keys that others can forge signatures for are not used: RSA below 2,048 bits, or with an
 * exponent that is even or below 65,537. Nor is a key after its own `exp`.
 *
 * Troubles reported: `'keys_not_refreshed'` (no answer, but known keys are young), `'keys_stale'` (they are used past
 * their age), each once per outage; `'keys_weak'` (the set holds weak keys), once until they are gone; `'keys_empty'` (the
 * set holds no key that can verify).
 *
 * `ready` resolves when keys are known (of several issuers: the keys of one), and rejects with what went wrong otherwise. It
 * resolves at once if `issuer` is a function.
 *
 * @throws TypeError at creation, naming the first wrong option
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

/** {@link createJwtVerifier} with the caller's clock, chance and deadline. */
export function createJwtVerifierIn(runtime: Runtime, options: JwtVerifierOptions): TokenVerifier {
  const settings = checkJwtOptions(options)
  const { now, mostTokens, mostBytes } = runtime
  const { cacheMs, fetch, issuer, jwks, maxTokenLength, readClaims, staleKeysMs } = settings
  const { onTrouble, report } = createTroubleSource()
  const verified = createTokenCache<Promise<Principal>>(mostTokens, mostBytes) // promises, so that a hit makes none
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
