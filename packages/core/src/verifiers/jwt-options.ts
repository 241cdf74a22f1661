import type { ReadClaims } from '../ports.ts'
import { isRecord, kindOf, type OptionReader, readOptions, shown } from './check-verifier-options.ts'
import { type KeySet, MOST_KEYS, readKeySet } from './key-set.ts'
import { readOrgAndScope } from './principal.ts'

/** How a JWT access token proves its bearer. */
export interface JwtVerifierOptions {
  /** The exact `iss` of good tokens, and the `issuer` of every principal. */
  readonly issuer: string
  /** Our name, or names: a good token's `aud` holds at least one. */
  readonly audience: string | readonly string[]
  /**
   * Where the key set is (an https URL, or http on a loopback host), or the keys. Keys are chosen from here alone: what
   * a token says of keys (`jku`, `x5u`, `jwk`) is not looked at.
   */
  readonly jwks: URL | { readonly keys: readonly object[] }
  /**
   * Signature algorithms that are accepted. Symmetric ones and `none` cannot be named.
   * @defaultValue `['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']`
   */
  readonly algorithms?: readonly string[]
  /**
   * What the header's `typ` must be. There is no default.
   * `'at+jwt'`: an access token by RFC 9068.
   * `'JWT'`: issuers that do not type their tokens. A second mark of an access token is required among the claims
   * (`scope`, `scp` or `roles`), and marks of ID and refresh tokens are refused.
   * `'any'`: `typ` is not looked at and no second mark is required; marks of ID and refresh tokens are refused still.
   */
  readonly type: 'at+jwt' | 'JWT' | 'any'
  /**
   * Milliseconds by which clocks may differ when `exp`, `nbf` and `iat` are judged; at most 120,000.
   * @defaultValue 30_000
   */
  readonly clockToleranceMs?: number
  /**
   * Milliseconds since `iat` (which every token must have) after which a token is refused, whatever its `exp`.
   * @defaultValue 86_400_000
   */
  readonly maxTokenAgeMs?: number
  /**
   * Milliseconds for which a verified token is remembered, at most 60,000, never past `exp`, the age of the keys or a
   * change of them. 0: not at all.
   * @defaultValue 60_000
   */
  readonly cacheMs?: number
  /**
   * Milliseconds for which known keys serve past their age of 10 minutes while their source fails, at most a day; then
   * 503. The longest that a removed key can stay good is 10 minutes and this.
   * @defaultValue 900_000
   */
  readonly staleKeysMs?: number
  /**
   * Picks organizations and capabilities out of the claims. What it throws, unless by `refuse`, is a fault: 503.
   * @defaultValue `org`, a name or a list of names; `scope`, separated by spaces
   */
  readonly readClaims?: ReadClaims
}

/** Checked options, all filled in. */
export interface JwtSettings extends Required<Omit<JwtVerifierOptions, 'audience' | 'jwks'>> {
  readonly audience: readonly string[]
  /** An address, or the keys. */
  readonly jwks: string | KeySet
}

const DEFAULT_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] as const
const OTHER_ALGORITHMS = ['RS384', 'RS512', 'PS384', 'PS512', 'ES384', 'ES512'] as const
const KNOWN_ALGORITHMS: readonly string[] = [...DEFAULT_ALGORITHMS, ...OTHER_ALGORITHMS]

const NAMES = [
  'issuer',
  'audience',
  'jwks',
  'algorithms',
  'type',
  'clockToleranceMs',
  'maxTokenAgeMs',
  'cacheMs',
  'staleKeysMs',
  'readClaims',
]

/** Checks every option once; throws a `TypeError` that names the first wrong one. */
export function checkJwtOptions(options: JwtVerifierOptions): JwtSettings {
  const read = readOptions('createJwtVerifier', options, NAMES)
  read.checkFunction('readClaims', 'a function (claims) => ({ organizations, capabilities })', 'optional')
  return {
    issuer: read.text('issuer', "the exact `iss` of your tokens, such as 'https://login.example.com'"),
    audience: read.texts('audience', 'the `aud` that names this service, or a list of such names'),
    jwks: options.jwks instanceof URL ? read.endpoint('jwks') : readKeys(read, options.jwks),
    algorithms: options.algorithms === undefined ? DEFAULT_ALGORITHMS : readAlgorithms(read),
    type: read.oneOf('type', ['at+jwt', 'JWT', 'any']),
    clockToleranceMs: read.milliseconds('clockToleranceMs', { otherwise: 30_000, least: 0, most: 120_000 }),
    maxTokenAgeMs: read.milliseconds('maxTokenAgeMs', {
      otherwise: 86_400_000,
      least: 1,
      most: Number.MAX_SAFE_INTEGER,
    }),
    cacheMs: read.milliseconds('cacheMs', { otherwise: 60_000, least: 0, most: 60_000 }),
    staleKeysMs: read.milliseconds('staleKeysMs', { otherwise: 900_000, least: 0, most: 86_400_000 }),
    readClaims: options.readClaims ?? readOrgAndScope,
  }
}

function readAlgorithms(read: OptionReader): readonly string[] {
  const named = read.texts('algorithms', `a list of ${KNOWN_ALGORITHMS.join(', ')}`)
  const wrong = named.find((name) => !KNOWN_ALGORITHMS.includes(name))
  return wrong === undefined
    ? named
    : read.refuse('algorithms', `only ${KNOWN_ALGORITHMS.join(', ')}`, shown(wrong))
}

function readKeys(read: OptionReader, jwks: unknown): KeySet {
  if (!isRecord(jwks) || !Array.isArray(jwks['keys'])) {
    return read.refuse('jwks', "new URL('https://…') of a key set, or { keys: [ … ] } itself", kindOf(jwks))
  }
  if (jwks['keys'].length > MOST_KEYS)
    return read.refuse('jwks', `at most ${MOST_KEYS} keys`, `${jwks['keys'].length} keys`)
  const { keys, weak, unfit } = readKeySet(jwks)
  const [first] = [...weak, ...unfit]
  if (first !== undefined) read.refuse('jwks', 'public keys to verify signatures with', first)
  return keys.keys.length > 0
    ? keys
    : read.refuse('jwks', 'at least one RSA, EC or Ed25519 key', 'none that can verify')
}
