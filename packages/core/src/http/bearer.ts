/** The bearer credentials of an `Authorization` field. */
export type BearerCredentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'malformed'; readonly fault: string }
  | { readonly kind: 'token'; readonly token: string }

/** Bounds the work. A verifier has a limit of its own, and Node one for all header fields: 16 KiB by default. */
const longestToken = 65_536
const longestField = 'Bearer '.length + longestToken + 64

/**
 * Reads the bearer token of `Authorization` (RFC 6750 §2.1). The scheme is case-insensitive.
 *
 * `'none'`: absent, of another scheme, or without credentials. `'repeated'`: it has a comma, as two joined fields have.
 * `'malformed'`: not `token68`, or longer than 65,536 characters; `fault` says which, without the token.
 */
export function readBearer(value: string | undefined): BearerCredentials {
  if (value === undefined || !/^bearer(?: |$)/i.test(value)) return { kind: 'none' }
  if (value.length > longestField) return tooLong(value.length)
  const token = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(value)?.[1]
  if (token !== undefined)
    return token.length > longestToken ? tooLong(token.length) : { kind: 'token', token }
  if (/^bearer *$/i.test(value)) return { kind: 'none' }
  if (value.includes(',')) return { kind: 'repeated' }
  return { kind: 'malformed', fault: 'the bearer credentials are not one token68 (RFC 6750 §2.1)' }
}

const tooLong = (length: number): BearerCredentials => ({
  kind: 'malformed',
  fault: `the bearer credentials have ${length} characters, more than ${longestToken}`,
})

/**
 * Formats a bearer challenge for `WWW-Authenticate` (RFC 6750 §3). Leave `error` out if the request had no credentials (§3.1).
 *
 * @param parameters - `error`: the error code; `scope`: the scope that the request needs
 */
export function formatChallenge(
  realm: string,
  parameters: { readonly error?: string; readonly scope?: string } = {},
): string {
  const { error, scope } = parameters
  const attributes = [`realm=${quote(realm)}`]
  if (error !== undefined) attributes.push(`error=${quote(error)}`)
  if (scope !== undefined) attributes.push(`scope=${quote(scope)}`)
  return `Bearer ${attributes.join(', ')}`
}

/** Quotes an attribute. Characters that §3 does not allow, such as quotes and line breaks, become `?`. */
const quote = (text: string): string => `"${text.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/gu, '?')}"`
