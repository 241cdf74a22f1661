import { type Fetch, fetchJson, isJsonObject } from './fetch-json.ts'
import { isLoopback, isTrusted } from './option-checks.ts'
import { quoted } from './token-fault.ts'

/** What a verifier looks up in an issuer's metadata. */
export type DiscoveredEndpoint = 'jwks_uri' | 'introspection_endpoint'

/**
 * Whether an issuer's metadata has an address: an https URL without query and fragment (OpenID Connect Discovery 1.0 §3,
 * RFC 8414 §2), or http on a loopback host.
 */
export function isDiscoverable(issuer: string): boolean {
  if (!URL.canParse(issuer) || /[?#]/.test(issuer)) return false
  const url = new URL(issuer)
  return isTrusted(url) && hasNoCredentials(url)
}

/**
 * Finds an endpoint of an issuer in its metadata: OpenID Connect Discovery 1.0 §4, then RFC 8414 §3. The first document
 * that is the issuer's own and names the endpoint counts. The document's `issuer` must be equal to the configured one.
 *
 * The endpoint must be https. It may be http on a loopback host where the issuer is on a loopback host itself: a document
 * from elsewhere must not send requests to this machine. We send a secret and tokens to `introspection_endpoint`, so it must
 * have the issuer's origin; keys are public, and large issuers publish them on another host.
 *
 * @throws AggregateError with a fault for each address
 */
export async function discover(
  issuer: string,
  endpoint: DiscoveredEndpoint,
  signal: AbortSignal,
  send?: Fetch,
): Promise<string> {
  const faults: Error[] = []
  for (const url of metadataAddresses(issuer)) {
    try {
      return await readEndpoint(url, issuer, endpoint, signal, send)
    } catch (cause) {
      signal.throwIfAborted()
      const text = cause instanceof Error ? cause.message : 'it failed'
      faults.push(new Error(`${url}: ${text}`, { cause }))
    }
  }
  throw new AggregateError(
    faults,
    `no "${endpoint}" of the issuer was found: ${faults.map(({ message }) => message).join('; ')}`,
  )
}

/** Without the slashes at the issuer's end, as both standards say. */
export function metadataAddresses(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/+$/, '')
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ]
}

const MOST_BYTES = 65_536

async function readEndpoint(
  url: string,
  issuer: string,
  endpoint: DiscoveredEndpoint,
  signal: AbortSignal,
  send: Fetch | undefined,
): Promise<string> {
  const request = {
    url,
    method: 'GET',
    headers: { accept: 'application/json' },
    maxBytes: MOST_BYTES,
  } as const
  const { value: document } = await fetchJson(request, signal, send)
  if (!isJsonObject(document)) throw new Error('the document is no JSON object')
  if (document['issuer'] !== issuer)
    throw new Error(`the document has "issuer" ${quoted(document['issuer'])}, not ${quoted(issuer)}`)
  return usableEndpoint(endpoint, document[endpoint], new URL(issuer))
}

function usableEndpoint(endpoint: DiscoveredEndpoint, given: unknown, issuer: URL): string {
  if (typeof given !== 'string' || !URL.canParse(given))
    throw new Error(`"${endpoint}" is ${quoted(given)}, no URL`)
  const url = new URL(given)
  if (!hasNoCredentials(url)) throw new Error(`"${endpoint}" has credentials`)
  if (!isTrusted(url) || (url.protocol === 'http:' && !isLoopback(issuer)))
    throw new Error(`"${endpoint}" is ${quoted(url.origin)}, not https`)
  if (endpoint === 'introspection_endpoint' && url.origin !== issuer.origin)
    throw new Error(
      `"${endpoint}" is at ${quoted(url.origin)}, not at the issuer's ${quoted(issuer.origin)}: if that is right, give the option \`endpoint\``,
    )
  return url.href
}

const hasNoCredentials = ({ username, password }: URL): boolean => username === '' && password === ''
