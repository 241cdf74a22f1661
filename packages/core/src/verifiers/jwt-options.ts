import type { OptionCheck } from '../check-options.ts'
import * as check from '../check-options.ts'
import type { Claims } from '../ports.ts'
import { isDiscoverable } from './discovery.ts'
import { type Fetch, isJsonObject } from './fetch-json.ts'
import { type KeySet, MOST_KEYS, readKeySet } from './key-set.ts'
import {
  accept,
  acceptFaults,
  audience,
  endpointUrl,
  fetchOption,
  issuer,
  type PrincipalOptions,
  readClaims,
  tokenLength,
} from './option-checks.ts'
import { readOrgAndScope } from './principal.ts'

/** How a JWT access token proves its bearer. */
export interface JwtVerifierOptions extends PrincipalOptions {
  /**
   * The exact `iss` of good tokens, and the `issuer` of their principals. A list has at most 100. A function is given the
   * unverified `iss` of each token that is not remembered, before anything is fetched, and must give `true` or `false`; what
   * it throws, unless by `refuse`, is a fault: 503. Compare whole names there: whoever it trusts can have any token accepted.
   *
   * The keys of each issuer of a list or function are discovered from its own metadata and verify its tokens alone; so it must
   * be an https URL, or http on a loopback host. Of the issuers that a function trusts, 1,000 with a verified token are known
   * at a time, and 100 others; those are looked up at most 100 times, and once more each second, then 503.
   */
  readonly issuer: string | readonly string[] | ((issuer: string) => boolean)
  /**
   * Our name, or names: a good token's `aud` holds at least one. `'none'`: the issuer names no audience. Then `accept` is
   * required, and a token that names one is refused.
   */
  readonly audience: string | readonly string[]
  /**
   * Whether a token without `aud` is for us, for example by its `client_id`. It is called last, with verified claims, and
   * must give `true` or `false`. What it throws, unless by `refuse`, is a fault: 503. Required with `audience: 'none'`, and an
   * error without.
   */
  readonly accept?: (claims: Claims) => boolean
  /**
   * Where the key set of the one `issuer` is (an https URL, or http on a loopback host), or the keys. Keys are chosen from here alone: what
   * a token says of keys (`jku`, `x5u`, `jwk`) is not looked at.
   * @defaultValue the `jwks_uri` of the issuer's metadata, at `<issuer>/.well-known/openid-configuration` (OpenID Connect
   *   Discovery 1.0 §4) or `/.well-known/oauth-authorization-server<path>` (RFC 8414 §3). Then `issuer` must be an https URL,
   *   or http on a loopback host, and equal to the `issuer` of that document
   */
  readonly jwks?: URL | { readonly keys: readonly object[] }
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
   * Sends the requests for keys and metadata, for example through a proxy. It is called as the global `fetch` is, with a
   * signal that fires after 5 s, and must not follow redirects where `redirect` is `'manual'`.
   * @defaultValue the global `fetch`
   */
  readonly fetch?: Fetch
}

/** Checked options, all filled in. */
export interface JwtSettings extends Required<
  Omit<JwtVerifierOptions, 'audience' | 'accept' | 'jwks' | 'fetch' | 'subject'>
> {
  readonly audience: readonly string[] | 'none'
  readonly accept: ((claims: Claims) => boolean) | undefined
  /** An address, or the keys. `undefined`: the address is discovered. */
  readonly jwks: string | KeySet | undefined
  readonly fetch: Fetch | undefined
  readonly subject: ((claims: Claims) => string | undefined) | undefined
}

const DEFAULT_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] as const
const OTHER_ALGORITHMS = ['RS384', 'RS512', 'PS384', 'PS512', 'ES384', 'ES512'] as const
const KNOWN_ALGORITHMS: readonly string[] = [...DEFAULT_ALGORITHMS, ...OTHER_ALGORITHMS]

type Jwks = NonNullable<JwtVerifierOptions['jwks']>
type GivenKeys = Exclude<Jwks, URL>

const isGivenKeys = (value: unknown): value is GivenKeys =>
  isJsonObject(value) && Array.isArray(value['keys'])
const firstUnusable = (jwks: GivenKeys): string | undefined => {
  const { weak, unfit } = readKeySet(jwks)
  return [...weak, ...unfit][0]
}
const keyList = check.refine<GivenKeys>(
  `at most ${MOST_KEYS} keys`,
  check.accept("new URL('https://…') of a key set, or { keys: [ … ] } itself", isGivenKeys),
  ({ keys }) => keys.length <= MOST_KEYS,
  ({ keys }) => `${keys.length} keys`,
)
const usableKeys = check.refine<GivenKeys>(
  'public keys to verify signatures with',
  keyList,
  (jwks) => firstUnusable(jwks) === undefined,
  (jwks) => firstUnusable(jwks) ?? 'others',
)
const givenKeys = check.refine<GivenKeys>(
  'at least one RSA, EC or Ed25519 key',
  usableKeys,
  (jwks) => readKeySet(jwks).keys.keys.length > 0,
  () => 'none that can verify',
)
const jwks: OptionCheck<Jwks> = check.choose<Jwks>((value) =>
  value instanceof URL ? endpointUrl("new URL('https://…') of a key set") : givenKeys,
)

const algorithm = check.accept<string>(
  'an algorithm',
  (value): value is string => typeof value === 'string' && KNOWN_ALGORITHMS.includes(value),
)
const MOST_LISTED = 100
const listedIssuers = check.refine<readonly string[]>(
  `at most ${MOST_LISTED} https URLs without query and fragment, or http on a loopback host`,
  check.listOf('issuers', issuer),
  (listed) => listed.length <= MOST_LISTED && listed.every(isDiscoverable),
  (listed) => (listed.length > MOST_LISTED ? `${listed.length} issuers` : check.shownList(listed)),
)
const issuers: OptionCheck<JwtVerifierOptions['issuer']> = check.choose<JwtVerifierOptions['issuer']>(
  (value) => {
    if (typeof value === 'function') return check.fn<(issuer: string) => boolean>('(issuer) => boolean')
    return Array.isArray(value) ? listedIssuers : issuer
  },
)

const optionsCheck = check.object<JwtVerifierOptions>(
  '{ issuer, audience, type, accept?, jwks?, algorithms?, clockToleranceMs?, maxTokenAgeMs?, cacheMs?, staleKeysMs?, readClaims?, subject?, maxTokenLength?, fetch? }',
  {
    issuer: issuers,
    audience,
    accept: accept.optional(),
    jwks: jwks.optional(),
    algorithms: check.listOf(`a list of ${KNOWN_ALGORITHMS.join(', ')}`, algorithm).optional(),
    type: check.oneOf('at+jwt', 'JWT', 'any'),
    clockToleranceMs: check.millisecondsOrNone('how much clocks may differ', 1_000, 120_000).optional(),
    maxTokenAgeMs: check
      .milliseconds('the greatest age of a token', 60_000, Number.MAX_SAFE_INTEGER)
      .optional(),
    cacheMs: check.millisecondsOrNone('how long a verified token is remembered', 1_000, 60_000).optional(),
    staleKeysMs: check
      .millisecondsOrNone('how long old keys serve while their source fails', 1_000, 86_400_000)
      .optional(),
    readClaims: readClaims.optional(),
    subject: check.fn<(claims: Claims) => string | undefined>('(claims) => string').optional(),
    maxTokenLength: tokenLength.optional(),
    fetch: fetchOption.optional(),
  },
)

/** Checks every option once; throws a `TypeError` that names each wrong one. */
export function checkJwtOptions(options: JwtVerifierOptions): JwtSettings {
  check.checkOptions('createJwtVerifier', options, optionsCheck)
  const { issuer, audience, jwks, type } = options
  const faults = [...acceptFaults(audience, options.accept), ...jwksFaults(issuer, jwks)]
  if (faults.length > 0) throw check.wrongOptions('createJwtVerifier', faults)
  const {
    algorithms = DEFAULT_ALGORITHMS,
    clockToleranceMs = 30_000,
    maxTokenAgeMs = 86_400_000,
    cacheMs = 60_000,
    staleKeysMs = 900_000,
    maxTokenLength = 8_192,
  } = options
  return {
    issuer,
    audience: audience === 'none' ? audience : [audience].flat(),
    accept: options.accept,
    jwks: jwks instanceof URL ? jwks.href : jwks && readKeySet(jwks).keys,
    algorithms: [...algorithms],
    type,
    clockToleranceMs,
    maxTokenAgeMs,
    cacheMs,
    staleKeysMs,
    readClaims: options.readClaims ?? readOrgAndScope,
    maxTokenLength,
    fetch: options.fetch,
    subject: options.subject,
  }
}

function jwksFaults(issuer: JwtVerifierOptions['issuer'], given: Jwks | undefined): readonly string[] {
  if (typeof issuer !== 'string')
    return given === undefined
      ? []
      : [
          'jwks: must be left out unless issuer is one name: the keys of several issuers are discovered; got keys',
        ]
  return given !== undefined || isDiscoverable(issuer)
    ? []
    : [
        `jwks: must be given, or issuer be an https URL without query and fragment to discover keys from; got nothing, and issuer ${check.shown(issuer)}`,
      ]
}
