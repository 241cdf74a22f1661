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

/** How the verifier asks an authorization server about a token (RFC 7662), and which answers it accepts. */
export interface IntrospectionVerifierOptions extends PrincipalOptions {
  /**
   * The introspection endpoint of the server: an https URL, or http on a loopback host.
   * @defaultValue the `introspection_endpoint` of the issuer's metadata, found as `createJwtVerifier` finds `jwks_uri`. It
   *   must have the issuer's origin, because the verifier sends a secret to it
   */
  readonly endpoint?: URL
  /** The client id of this service at the server. It is sent as HTTP Basic credentials (RFC 6749 §2.3.1). */
  readonly clientId: string
  /** The secret of that client. No error and no event shows it. */
  readonly clientSecret: string
  /** The `issuer` of every principal. If an answer has an `iss`, it must be equal to this. */
  readonly issuer: string
  /**
   * The name, or the names, of this service. The `aud` of an answer must contain at least one of them. An answer without
   * `aud` is refused. Give `'none'` if the server sets no audience. Then `accept` is required, and an answer with an
   * audience is refused.
   */
  readonly audience: string | readonly string[]
  /**
   * Decides whether a token whose answer has no `aud` is for this service, for example by its `client_id`. It must return
   * `true` or `false`. If it throws an error other than by `refuse`, the response is 503. It is required with
   * `audience: 'none'`, and must be left out with any other audience.
   */
  readonly accept?: (claims: Claims) => boolean
  /**
   * Milliseconds for which an active token stays in the cache, but never past its `exp`; at most 300,000. An inactive token
   * stays a sixth of that time. A revoked token is accepted until it leaves the cache. 0 switches the cache off.
   * @defaultValue 30_000
   */
  readonly cacheMs?: number
  /**
   * Sends the requests, for example through a proxy. It is called like the global `fetch`, with a signal that aborts after
   * 5 s. It must not follow redirects if `redirect` is `'manual'`, because the requests contain a secret.
   * @defaultValue the global `fetch`
   */
  readonly fetch?: Fetch
}

/** The checked options, with all defaults. */
export interface IntrospectionSettings extends Required<
  Omit<IntrospectionVerifierOptions, 'audience' | 'accept' | 'endpoint' | 'fetch' | 'subject'>
> {
  readonly audience: readonly string[] | 'none'
  readonly accept: ((claims: Claims) => boolean) | undefined
  /** If `undefined`, it is read from the metadata of the issuer. */
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
