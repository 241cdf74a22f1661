import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'

/** The part of a request that Signature Version 4 covers. */
export interface SignedPart {
  readonly method: string
  /** As on the request line, without the query. S3 signs it as it is. */
  readonly path: string
  /** The parameters by name, not escaped. */
  readonly query: Readonly<Record<string, string>>
  /** All headers to be signed, by lower-case name. `x-amz-date` and `x-amz-content-sha256` must be among them. */
  readonly headers: Readonly<Record<string, string>>
}

/** What signs: the credentials of a client, from its `config.credentials()`. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** Returns the value of `Authorization` for a request. */
export type Sign = (request: SignedPart, credentials: Credentials) => string

/**
 * Creates a signer of Signature Version 4 (AWS Identity and Access Management User Guide, "Create a signed AWS API request").
 *
 * It keeps the derived key of one day and one secret, so a signature costs one HMAC and two SHA-256.
 */
export function createSigner(region: string, service: string): Sign {
  let derived: { readonly secret: string; readonly day: string; readonly key: KeyObject } | undefined
  const keyOf = (secret: string, day: string): KeyObject => {
    if (derived?.secret !== secret || derived.day !== day) {
      const parts = [day, region, service, 'aws4_request']
      derived = {
        secret,
        day,
        key: createSecretKey(parts.reduce<Buffer>(hmac, Buffer.from(`AWS4${secret}`))),
      }
    }
    return derived.key
  }
  return ({ method, path, query, headers }, { accessKeyId, secretAccessKey }) => {
    const names = Object.keys(headers).toSorted()
    const lines = names.map((name) => `${name}:${headers[name]?.trim().replaceAll(/\s+/g, ' ')}\n`).join('')
    const signed = names.join(';')
    const canonical = `${method}\n${path}\n${formatQuery(query)}\n${lines}\n${signed}\n${headers['x-amz-content-sha256']}`
    const date = headers['x-amz-date'] ?? ''
    const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`
    const text = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${hash('sha256', canonical)}`
    const signature = hmac(keyOf(secretAccessKey, date.slice(0, 8)), text).toString('hex')
    return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`
  }
}

const hmac = (key: Buffer | KeyObject, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

/** Formats a query in the order and with the escapes that the signature needs. */
export const formatQuery = (query: Readonly<Record<string, string>>): string =>
  Object.keys(query)
    .map((name) => `${escape(name)}=${escape(query[name] ?? '')}`)
    .toSorted()
    .join('&')

/** Escapes a key as the path of a request. Dots and repeated slashes stay. */
export const escapeKey = (key: string): string => key.split('/').map(escape).join('/')

const escape = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )
