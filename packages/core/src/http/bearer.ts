/** What an `Authorization` field holds, as far as bearer tokens go. */
export type BearerCredentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'malformed'; readonly fault: string }
  | { readonly kind: 'token'; readonly token: string }

/** Bounds the work. A verifier has a limit of its own, and Node one for all header fields: 16 KiB by default. */
const longestToken = 65_536
const longestField = 'Bearer '.length + longestToken + 64

/**
 * The value of `Authorization` → its bearer token (RFC 6750 §2.1); the scheme's case does not count.
 *
 * `'none'`: absent, of another scheme, or without credentials. `'repeated'`: it holds a comma, as two fields joined do.
 * `'malformed'`: not `token68`, or longer than 65,536 characters; `fault` says which, without the token.
 */
export function readBearer(value: string | undefined): BearerCredentials {
  const scheme = /^bearer(?: |$)/i.exec(value?.slice(0, 'bearer '.length) ?? '')?.[0]
  if (value === undefined || scheme === undefined) return { kind: 'none' }
  if (value.length > longestField) return tooLong(value.length)
  if (/^ *$/.test(value.slice(scheme.length))) return { kind: 'none' }
  if (value.includes(',')) return { kind: 'repeated' }
  const token = /^ *([A-Za-z0-9._~+/-]+=*)$/.exec(value.slice(scheme.length))?.[1]
  if (token === undefined)
    return { kind: 'malformed', fault: 'the bearer credentials are not one token68 (RFC 6750 §2.1)' }
  if (token.length > longestToken) return tooLong(token.length)
  return { kind: 'token', token }
}

const tooLong = (length: number): BearerCredentials => ({
  kind: 'malformed',
  fault: `the bearer credentials have ${length} characters, more than ${longestToken}`,
})

/**
 * A bearer challenge for `WWW-Authenticate` (RFC 6750 §3). Without credentials there is no `error` to name (§3.1).
 *
 * @param parameters - `error`: its code; `scope`: what would be enough
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

/** Only what §3 lets stand in an attribute, so neither a quote nor a line break ends it; the rest becomes `?`. */
const quote = (text: string): string => `"${text.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/gu, '?')}"`
