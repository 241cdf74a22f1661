import { type Fetch, fetchJson, isJsonObject } from './fetch-json.ts'
import { isLoopback, isTrusted } from './option-checks.ts'
import { quoted } from './token-fault.ts'

/** The metadata member that names an endpoint. */
export type DiscoveredEndpoint = 'jwks_uri' | 'introspection_endpoint'

/**
 * Whether metadata can be fetched for an issuer: it must be an https URL, or http on a loopback host, without query,
 * fragment and credentials (OpenID Connect Discovery 1.0 §3, RFC 8414 §2).
 */
export function isDiscoverable(issuer: string): boolean {
  if (!URL.canParse(issuer) || /[?#]/.test(issuer)) return false
  const url = new URL(issuer)
  return isTrusted(url) && hasNoCredentials(url)
}

/**
 * Finds an endpoint of an issuer in its metadata. It reads the document of OpenID Connect Discovery 1.0 §4 first, then that
 * of RFC 8414 §3, and uses the first one that names the endpoint. The document's `issuer` must be equal to the configured
 * one.
 *
 * The endpoint must be https. If the issuer is on a loopback host, the endpoint may be http on a loopback host. Otherwise a
 * remote document could send requests to this machine. `introspection_endpoint` must have the issuer's origin, because the
 * verifier sends a secret and tokens to it. `jwks_uri` may be on another host: keys are public, and large issuers do that.
 *
 * @throws AggregateError with one error for each document, if none can be used
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

/** The addresses of the metadata. Slashes at the end of the issuer are removed, as both standards require. */
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
