import { randomUUID, X509Certificate } from 'node:crypto'

import type { CheckOptions } from './options.ts'
import type { Profile } from './options.ts'

/** Checked options, with their defaults. */
export interface Settings {
  readonly url: URL
  readonly profile: Profile
  /** Sent with every request, by lowercase name, the token included. */
  readonly headers: Readonly<Record<string, string>>
  /** Where the credentials are: in a header field, in the query (a ticket, a presigned URL), or nowhere. */
  readonly credentials: 'header' | 'query' | 'none'
  /** The bearer token if it has the form of a JWT. */
  readonly jwt?: string
  /** The URL with another UUID: an export that does not exist. */
  readonly missingUrl?: URL
  readonly foreignUrl?: URL
  readonly secondUrl?: URL
  readonly expectSha256?: string
  readonly full: boolean
  readonly maxRequests: number
  readonly maxBytes: number
  readonly maxWaitMs: number
  readonly timeoutMs: number
  readonly protocol: 'http/1.1' | 'h2'
  readonly ca?: string
  readonly signal?: AbortSignal
  readonly onProgress?: (bytes: number, total: number | undefined) => void
}

/** The names of header fields that carry credentials. */
export const isCredentialField = (name: string): boolean =>
  /auth|cookie|token|secret|key|password|signature|credential|session|ticket/i.test(name)

/** The names of query parameters that carry credentials: tickets, and signatures of S3, Google Cloud Storage and Azure Blob. */
export const isCredentialParameter = (name: string): boolean =>
  /^(?:sig|signature|ticket|token|access_token|(?:api[-_]?)?key|jwt|x-amz-signature|x-goog-signature)$/i.test(
    name,
  )

const uuid = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/gi

/**
 * Checks the options.
 *
 * @throws TypeError that names the wrong option. It never contains a value.
 */
export function readSettings(url: string | URL, options: CheckOptions): Settings {
  const target = readUrl('url', url)
  const sameOrigin = (name: string, other: string | URL | undefined): URL | undefined => {
    if (other === undefined) return undefined
    const read = readUrl(name, other)
    // The credentials go to both, so they must not go to another origin.
    if (read.origin !== target.origin) throw wrong(name, 'must have the origin of the checked URL')
    return read
  }
  const headers = readHeaders(options)
  const foreignUrl = sameOrigin('foreignUrl', options.foreignUrl)
  const secondUrl = sameOrigin('secondUrl', options.secondUrl)
  const missingUrl = missingOf(target)
  const jwt = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(headers['authorization'] ?? '')?.[1]
  const { profile = 'sallyport', protocol = 'http/1.1', expectSha256, ca, signal, onProgress } = options
  if (!['sallyport', 'generic'].includes(profile)) throw wrong('profile', 'must be sallyport or generic')
  if (!['http/1.1', 'h2'].includes(protocol)) throw wrong('protocol', 'must be http/1.1 or h2')
  if (protocol === 'h2' && target.protocol !== 'https:') throw wrong('protocol', 'h2 needs an https: URL')
  if (expectSha256 !== undefined && !/^[\da-f]{64}$/i.test(expectSha256))
    throw wrong('expectSha256', 'must be 64 hexadecimal digits')
  if (ca !== undefined && !isCertificate(ca)) throw wrong('ca', 'must contain a certificate in PEM')
  return {
    url: target,
    profile,
    headers,
    credentials: credentialsOf(target, headers),
    full: options.full ?? expectSha256 !== undefined,
    maxRequests: count('maxRequests', options.maxRequests ?? 60),
    maxBytes: count('maxBytes', options.maxBytes ?? 8 * 2 ** 20),
    maxWaitMs: count('maxWaitMs', options.maxWaitMs ?? 120_000),
    timeoutMs: count('timeoutMs', options.timeoutMs ?? 30_000),
    protocol,
    ...(jwt !== undefined && { jwt }),
    ...(missingUrl && { missingUrl }),
    ...(foreignUrl && { foreignUrl }),
    ...(secondUrl && { secondUrl }),
    ...(expectSha256 !== undefined && { expectSha256: expectSha256.toLowerCase() }),
    ...(ca !== undefined && { ca }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  }
}

/** A wrong option or argument. Its message contains no value, because that may be a secret. */
export class UsageError extends TypeError {
  override readonly name = 'TypeError'
}

const wrong = (name: string, text: string): UsageError => new UsageError(`checkEndpoint: ${name} ${text}`)

function readUrl(name: string, value: string | URL): URL {
  const url = URL.parse(String(value))
  if (url === null) throw wrong(name, 'must be an absolute URL')
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw wrong(name, 'must begin with http: or https:')
  if (url.username !== '' || url.password !== '')
    throw wrong(name, 'must not contain a user name or password: send an Authorization header')
  url.hash = ''
  return url
}

function readHeaders({ headers = {}, token }: CheckOptions): Readonly<Record<string, string>> {
  const read: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw wrong('headers', 'has a name that is not a token')
    if (!isFieldValue(value)) throw wrong('headers', `must have a text without line breaks for ${name}`)
    read[name.toLowerCase()] = value
  }
  if (token === undefined) return read
  if (token === '' || !isFieldValue(token) || /\s/.test(token))
    throw wrong('token', 'must be a text without spaces and line breaks')
  if (read['authorization'] !== undefined)
    throw wrong('token', 'must be absent if headers have Authorization')
  return { ...read, authorization: `Bearer ${token}` }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}

const isFieldValue = (value: unknown): boolean =>
  typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)

function count(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw wrong(name, 'must be a whole number of at least 0')
  return value
}

function credentialsOf(url: URL, headers: Readonly<Record<string, string>>): Settings['credentials'] {
  if (Object.keys(headers).some(isCredentialField)) return 'header'
  return [...url.searchParams.keys()].some(isCredentialParameter) ? 'query' : 'none'
}

/** The last UUID of the path is the export's id. */
function missingOf(url: URL): URL | undefined {
  const found = [...url.pathname.matchAll(uuid)].at(-1)
  if (found === undefined) return undefined
  const other = new URL(url)
  const { 0: id, index } = found
  other.pathname = url.pathname.slice(0, index) + randomUUID() + url.pathname.slice(index + id.length)
  return other
}
