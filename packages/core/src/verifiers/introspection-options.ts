import * as check from '../check-options.ts'
import type { Claims } from '../ports.ts'
import { isDiscoverable } from './discovery.ts'
import type { Fetch } from './fetch-json.ts'
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

/** How an authorization server is asked about a token (RFC 7662). */
export interface IntrospectionVerifierOptions extends PrincipalOptions {
  /**
   * Its introspection endpoint: an https URL, or http on a loopback host.
   * @defaultValue the `introspection_endpoint` of the issuer's metadata, found as `createJwtVerifier` finds `jwks_uri`. It
   *   must have the issuer's origin, because it is sent a secret
   */
  readonly endpoint?: URL
  /** Our client at the server; sent as HTTP Basic credentials (RFC 6749 §2.3.1). */
  readonly clientId: string
  /** The secret of that client. It is never shown. */
  readonly clientSecret: string
  /** The `issuer` of every principal. An answer's `iss` may be absent, but must not be another. */
  readonly issuer: string
  /**
   * Our name, or names: an answer's `aud` holds at least one. An answer without `aud` is for nobody, and refused. `'none'`:
   * the server names no audience. Then `accept` is required, and an answer that names one is refused.
   */
  readonly audience: string | readonly string[]
  /**
   * Whether an answer without `aud` is for us, for example by its `client_id`. It must give `true` or `false`. What it throws,
   * unless by `refuse`, is a fault: 503. Required with `audience: 'none'`, and an error without.
   */
  readonly accept?: (claims: Claims) => boolean
  /**
   * Milliseconds for which an active token is remembered, never past `exp`, at most 300,000; an inactive one is for a
   * sixth of it. As long can a revoked token stay good. 0: not at all.
   * @defaultValue 30_000
   */
  readonly cacheMs?: number
  /**
   * Sends the requests, for example through a proxy. It is called as the global `fetch` is, with a signal that fires after
   * 5 s, and must not follow redirects where `redirect` is `'manual'`: they carry a secret.
   * @defaultValue the global `fetch`
   */
  readonly fetch?: Fetch
}

/** Checked options, all filled in. */
export interface IntrospectionSettings extends Required<
  Omit<IntrospectionVerifierOptions, 'audience' | 'accept' | 'endpoint' | 'fetch' | 'subject'>
> {
  readonly audience: readonly string[] | 'none'
  readonly accept: ((claims: Claims) => boolean) | undefined
  /** `undefined`: it is discovered. */
  readonly endpoint: string | undefined
  readonly fetch: Fetch | undefined
  readonly subject: ((claims: Claims) => string | undefined) | undefined
}

const optionsCheck = check.object<IntrospectionVerifierOptions>(
  '{ clientId, clientSecret, issuer, audience, accept?, endpoint?, cacheMs?, readClaims?, subject?, maxTokenLength?, fetch? }',
  {
    endpoint: endpointUrl("new URL('https://…') of the introspection endpoint").optional(),
    clientId: check.text('the id of your client at the authorization server'),
    clientSecret: check.secret('the secret of that client'),
    issuer,
    audience,
    accept: accept.optional(),
    cacheMs: check.millisecondsOrNone('how long an active token is remembered', 1_000, 300_000).optional(),
    readClaims: readClaims.optional(),
    subject: check.fn<(claims: Claims) => string | undefined>('(claims) => string').optional(),
    maxTokenLength: tokenLength.optional(),
    fetch: fetchOption.optional(),
  },
)

/** Checks every option once; throws a `TypeError` that names each wrong one, and never shows the secret. */
export function checkIntrospectionOptions(options: IntrospectionVerifierOptions): IntrospectionSettings {
  check.checkOptions('createIntrospectionVerifier', options, optionsCheck)
  const { endpoint, clientId, clientSecret, issuer, audience } = options
  const { cacheMs = 30_000, maxTokenLength = 8_192 } = options
  const faults = [...acceptFaults(audience, options.accept)]
  if (endpoint === undefined && !isDiscoverable(issuer))
    faults.push(
      `endpoint: must be given, or issuer be an https URL without query and fragment to discover it from; got nothing, and issuer ${check.shown(issuer)}`,
    )
  if (faults.length > 0) throw check.wrongOptions('createIntrospectionVerifier', faults)
  return {
    endpoint: endpoint?.href,
    clientId,
    clientSecret,
    issuer,
    audience: audience === 'none' ? audience : [audience].flat(),
    accept: options.accept,
    cacheMs,
    readClaims: options.readClaims ?? readOrgAndScope,
    maxTokenLength,
    fetch: options.fetch,
    subject: options.subject,
  }
}
