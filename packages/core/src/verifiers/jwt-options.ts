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

/** Which JWT access tokens a verifier accepts, and how it gets the keys to verify them. */
export interface JwtVerifierOptions extends PrincipalOptions {
  /**
   * The exact `iss` that a token must have. It is also the `issuer` of the principal. A list has at most 100 issuers.
   *
   * A function gets the unverified `iss` of each token that is not in the cache, before anything is fetched. It must return
   * `true` (trusted) or `false`. If it throws an error other than by `refuse`, the response is 503. Compare whole names in
   * it: an issuer that it trusts can sign a token for any principal.
   *
   * With a list or a function, the verifier finds the keys of each issuer in the metadata of that issuer, and uses them for
   * the tokens of that issuer only. So every issuer must be an https URL, or http on a loopback host. With a function, the
   * verifier keeps at most 1,000 issuers that have had a verified token, and 100 that have not. Every other issuer must be
   * looked up. There are 100 lookups. One is regained each second, and one when a token of a new issuer is verified. If
   * none is left, the response is 503.
   */
  readonly issuer: string | readonly string[] | ((issuer: string) => boolean)
  /**
   * The name, or the names, of this service. A token's `aud` must contain at least one of them. Give `'none'` if the issuer
   * sets no audience. Then `accept` is required, and a token with an audience is refused.
   */
  readonly audience: string | readonly string[]
  /**
   * Decides whether a token without `aud` is for this service, for example by its `client_id`. It is called after all other
   * checks, with verified claims, and must return `true` or `false`. If it throws an error other than by `refuse`, the
   * response is 503. It is required with `audience: 'none'`, and must be left out with any other audience.
   */
  readonly accept?: (claims: Claims) => boolean
  /**
   * The address of the issuer's key set (an https URL, or http on a loopback host), or the keys themselves. It must be left
   * out if `issuer` is a list or a function. The verifier ignores keys that a token names itself (`jku`, `x5u`, `jwk`).
   * @defaultValue the `jwks_uri` of the issuer's metadata, at `<issuer>/.well-known/openid-configuration` (OpenID Connect
   *   Discovery 1.0 §4) or `/.well-known/oauth-authorization-server<path>` (RFC 8414 §3). Then `issuer` must be an https
   *   URL, or http on a loopback host, and must be equal to the `issuer` of that document
   */
  readonly jwks?: URL | { readonly keys: readonly object[] }
  /**
   * The accepted signature algorithms. Symmetric algorithms and `none` are not allowed.
   * @defaultValue `['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']`
   */
  readonly algorithms?: readonly string[]
  /**
   * The `typ` that a token's header must have. There is no default.
   * `'at+jwt'`: access tokens as RFC 9068 defines them.
   * `'JWT'`: for issuers that do not mark access tokens in the header. The claims must then contain `scope`, `scp` or
   * `roles`, and a token with the claims of an ID token or a refresh token is refused.
   * `'any'`: `typ` is ignored, and no such claim is required. A token with the claims of an ID token or a refresh token is
   * refused.
   */
  readonly type: 'at+jwt' | 'JWT' | 'any'
  /**
   * Milliseconds by which the issuer's clock may differ from this one when `exp`, `nbf` and `iat` are checked; at most
   * 120,000.
   * @defaultValue 30_000
   */
  readonly clockToleranceMs?: number
  /**
   * Milliseconds after its `iat` from which a token is refused, even if its `exp` is later. Every token must have an `iat`.
   * @defaultValue 86_400_000
   */
  readonly maxTokenAgeMs?: number
  /**
   * Milliseconds for which a verified token stays in the cache; at most 60,000. It leaves the cache earlier when it expires,
   * when the keys become too old, and when they change. 0 switches the cache off.
   * @defaultValue 60_000
   */
  readonly cacheMs?: number
  /**
   * Milliseconds for which keys older than 10 minutes may be used while they cannot be refreshed; at most a day. After
   * that, the response is 503. So a key that the issuer removed is accepted for at most 10 minutes plus this time.
   * @defaultValue 900_000
   */
  readonly staleKeysMs?: number
  /**
   * Sends the requests for keys and metadata, for example through a proxy. It is called like the global `fetch`, with a
   * signal that aborts after 5 s. It must not follow redirects if `redirect` is `'manual'`.
   * @defaultValue the global `fetch`
   */
  readonly fetch?: Fetch
}

/** The checked options, with all defaults. */
export interface JwtSettings extends Required<
  Omit<JwtVerifierOptions, 'audience' | 'accept' | 'jwks' | 'fetch' | 'subject'>
> {
  readonly audience: readonly string[] | 'none'
  readonly accept: ((claims: Claims) => boolean) | undefined
  /** The address of the keys, or the keys. If `undefined`, the address is read from the metadata of the issuer. */
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
