import * as check from '../check-options.ts'
import type { ReadClaims } from '../ports.ts'
import { audience, endpointUrl, issuer, readClaims } from './option-checks.ts'
import { readOrgAndScope } from './principal.ts'

/** How an authorization server is asked about a token (RFC 7662). */
export interface IntrospectionVerifierOptions {
  /** Its introspection endpoint: an https URL, or http on a loopback host. */
  readonly endpoint: URL
  /** Our client at the server; sent as HTTP Basic credentials (RFC 6749 §2.3.1). */
  readonly clientId: string
  readonly clientSecret: string
  /** The `issuer` of every principal. An answer's `iss` may be absent, but must not be another. */
  readonly issuer: string
  /** Our name, or names: an answer's `aud` holds at least one. An answer without `aud` is for nobody, and refused. */
  readonly audience: string | readonly string[]
  /**
   * Milliseconds for which an active token is remembered, never past `exp`, at most 300,000; an inactive one is for a
   * sixth of it. As long can a revoked token stay good. 0: not at all.
   * @defaultValue 30_000
   */
  readonly cacheMs?: number
  /**
   * Picks organizations and capabilities out of the answer. What it throws, unless by `refuse`, is a fault: 503.
   * @defaultValue `org`, a name or a list of names; `scope`, separated by spaces
   */
  readonly readClaims?: ReadClaims
}

/** Checked options, all filled in. */
export interface IntrospectionSettings extends Required<
  Omit<IntrospectionVerifierOptions, 'audience' | 'endpoint'>
> {
  readonly audience: readonly string[]
  readonly endpoint: string
}

const optionsCheck = check.object<IntrospectionVerifierOptions>(
  '{ endpoint, clientId, clientSecret, issuer, audience, cacheMs?, readClaims? }',
  {
    endpoint: endpointUrl("new URL('https://…') of the introspection endpoint"),
    clientId: check.text('the id of your client at the authorization server'),
    clientSecret: check.secret('the secret of that client'),
    issuer,
    audience,
    cacheMs: check.millisecondsOrNone('how long an active token is remembered', 1_000, 300_000).optional(),
    readClaims: readClaims.optional(),
  },
)

/** Checks every option once; throws a `TypeError` that names each wrong one, and never shows the secret. */
export function checkIntrospectionOptions(options: IntrospectionVerifierOptions): IntrospectionSettings {
  check.checkOptions('createIntrospectionVerifier', options, optionsCheck)
  const { endpoint, clientId, clientSecret, issuer, audience, cacheMs = 30_000 } = options
  return {
    endpoint: endpoint.href,
    clientId,
    clientSecret,
    issuer,
    audience: [audience].flat(),
    cacheMs,
    readClaims: options.readClaims ?? readOrgAndScope,
  }
}
