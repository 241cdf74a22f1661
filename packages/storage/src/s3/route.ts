import type { SignedRequest } from './connections.ts'
import type { S3Request } from './sdk-request.ts'
import {
  createSigner,
  type Credentials,
  escapeKey,
  formatQuery,
  type Sign,
  type SignedPart,
} from './signature.ts'
import { member } from './upstream-of.ts'

/** How the SDK reaches one bucket. */
export interface Route {
  /** As in `https://host:port`. */
  readonly origin: string
  /**
   * Signs a request for the bucket.
   *
   * @param at - the time of the signature, in milliseconds since 1970
   */
  sign(request: S3Request, credentials: Credentials, at: number): SignedRequest
}

/**
 * Learns the route to a bucket from a request that the SDK has signed.
 *
 * The request is signed again here: the result must be the SDK's, letter for letter.
 *
 * @param sent - a GET or HEAD of an object, as the SDK gave it to its HTTP handler
 * @param key - the key of that object
 * @returns `undefined`: the SDK signs in another way (SigV4a, the sessions of S3 Express, a signer of the host), with other
 *   credentials, or the request has a header or a parameter that {@link Route.sign} would leave out
 */
export function learnRoute(sent: unknown, key: string, credentials: Credentials): Route | undefined {
  if (!isSent(sent)) return undefined
  const { method, protocol, hostname, port, path, query, headers } = sent
  const end = `/${escapeKey(key)}`
  const [, region, service, signed] = AUTHORIZATION.exec(headers['authorization'] ?? '') ?? []
  if (!path.endsWith(end) || !region || !service || !signed) return undefined
  const covered = Object.fromEntries(signed.split(';').map((name) => [name, headers[name] ?? '']))
  const sign = createSigner(region, service)
  if (sign({ method, path, query, headers: covered }, credentials) !== headers['authorization'])
    return undefined
  return {
    origin: `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`,
    sign: signerOf(sign, path.slice(0, -end.length), headers),
  }
}

function signerOf(sign: Sign, base: string, learned: Readonly<Record<string, string>>): Route['sign'] {
  const { host = '', 'user-agent': userAgent = '', 'x-amz-content-sha256': emptyBody = '' } = learned
  return ({ method, input }, credentials, at) => {
    const path = `${base}/${escapeKey(input.Key)}`
    const query: Record<string, string> = input.VersionId === undefined ? {} : { versionId: input.VersionId }
    const headers: Record<string, string> = {
      host,
      'x-amz-content-sha256': emptyBody,
      'x-amz-date': new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, ''),
    }
    for (const [name, header] of OWN_HEADERS) {
      const value = input[name]
      if (value !== undefined) headers[header] = value
    }
    if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken
    const authorization = sign({ method, path, query, headers }, credentials)
    return {
      method,
      path: input.VersionId === undefined ? path : `${path}?${formatQuery(query)}`,
      headers: { ...headers, 'user-agent': userAgent, authorization },
    }
  }
}

const OWN_HEADERS = [
  ['Range', 'range'],
  ['IfMatch', 'if-match'],
  ['ChecksumMode', 'x-amz-checksum-mode'],
  ['ExpectedBucketOwner', 'x-amz-expected-bucket-owner'],
] as const

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=[0-9a-f]{64}$/

/** The headers of a usual request of the SDK. Those with `sdk`, `user-agent` and `trace` describe the client, not the request. */
const HEADERS: ReadonlySet<string> = new Set(
  `accept-encoding amz-sdk-invocation-id amz-sdk-request authorization host if-match range user-agent x-amz-checksum-mode
   x-amz-content-sha256 x-amz-date x-amz-expected-bucket-owner x-amz-security-token x-amz-user-agent
   x-amzn-trace-id`.split(/\s+/),
)
/** `x-id` repeats the name of the operation. */
const PARAMETERS: ReadonlySet<string> = new Set(['versionId', 'x-id'])

interface Sent extends SignedPart {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
}

/** Whether a value is a request of the SDK with nothing but known headers and parameters. */
const isSent = (value: unknown): value is Sent =>
  ['method', 'protocol', 'hostname', 'path'].every((name) => typeof member(value, name) === 'string') &&
  ['number', 'undefined'].includes(typeof member(value, 'port')) &&
  areTexts(member(value, 'headers'), HEADERS) &&
  areTexts(member(value, 'query'), PARAMETERS)

const areTexts = (value: unknown, names: ReadonlySet<string>): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(value).every(([name, text]) => names.has(name) && typeof text === 'string')
