import type { OptionCheck } from '../check-options.ts'
import * as check from '../check-options.ts'
import type { Claims, ReadClaims } from '../ports.ts'
import type { Fetch } from './fetch-json.ts'

// Options that several verifiers have, and their checks.

/** Options of both verifiers. */
export interface PrincipalOptions {
  /**
   * Picks organizations and capabilities out of the claims. What it throws, unless by `refuse`, is a fault: 503.
   * @defaultValue `org`, a name or a list of names; `scope`, or where there is none `scp`: words or a list
   */
  readonly readClaims?: ReadClaims
  /**
   * Names the subject of the principal, by the claims. `undefined`, an empty text and more than 256 characters are
   * `refuse('token_invalid')`. What it throws, unless by `refuse`, is a fault: 503. Equal claims must give equal subjects.
   * @defaultValue `sub`; where there is none `client_id`, or else `azp`
   */
  readonly subject?: (claims: Claims) => string | undefined
  /**
   * Characters of the longest token that is looked at, from 16 to 65,536. A longer one is `refuse('token_invalid')`. Node
   * limits all header fields together to 16 KiB: raise `maxHeaderSize` of your server too.
   * @defaultValue 8_192
   */
  readonly maxTokenLength?: number
}

/** Keys and secrets travel in clear over http, so only this machine may be asked by it. */
export const isTrusted = (url: URL): boolean =>
  url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))

/** Whether the host of a URL is this machine, by its name alone. */
export const isLoopback = ({ hostname }: URL): boolean =>
  /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)

/** A URL that requests are sent to. */
export const endpointUrl = (what: string): OptionCheck<URL> =>
  check.refine<URL>(
    'an https URL, or http on a loopback host',
    check.refine<URL>(
      'a URL without credentials',
      check.instanceOf(what, URL),
      ({ username, password }) => username === '' && password === '',
      () => 'one with them',
    ),
    isTrusted,
    ({ origin, pathname, protocol }) =>
      check.shown(origin === 'null' ? `${protocol}${pathname}` : origin + pathname),
  )

/** `'none'`, or our names. */
export type Audience = string | readonly string[]

/** Ties `accept` to `audience: 'none'` where the compiler knows the audience. Elsewhere creation checks it. */
export type AcceptRule<A extends Audience> = { readonly audience: A } & (A extends 'none'
  ? { readonly accept: (claims: Claims) => boolean }
  : string extends A
    ? unknown
    : { readonly accept?: undefined })

export const accept: OptionCheck<(claims: Claims) => boolean> =
  check.fn<(claims: Claims) => boolean>('(claims) => boolean')

/** The fault of `accept` without `audience: 'none'`, or the other way round. */
export function acceptFaults(given: Audience, rule: unknown): readonly string[] {
  if (given === 'none' && rule === undefined)
    return ["accept: must be a function (claims) => boolean, because audience is 'none'; got nothing"]
  if (given !== 'none' && rule !== undefined)
    return [
      `accept: must be left out, because audience is ${check.shownList(given)}, not 'none'; got a function`,
    ]
  return []
}

const names = check.listOf('names', check.text('a name'))
export const audience: OptionCheck<string | readonly string[]> = check.accept<string | readonly string[]>(
  'the `aud` that names this service, or a list of such names',
  (value): value is string | readonly string[] =>
    (typeof value === 'string' && value !== '') || names.safeParse(value).success,
  check.shownList,
)

export const issuer: OptionCheck<string> = check.text(
  "the exact `iss` of your tokens, such as 'https://login.example.com'",
)

/** How a verifier sends requests. */
export const fetchOption: OptionCheck<Fetch> = check.fn<Fetch>('(url, init) => Promise<Response>')

/** Node's own limit for all header fields is 16 KiB unless the server sets `maxHeaderSize`. */
export const tokenLength: OptionCheck<number> = check.whole('characters', 16, 65_536)

export const readClaims: OptionCheck<ReadClaims> = check.fn<ReadClaims>(
  '(claims) => ({ organizations, capabilities })',
)

// ── of presets of issuers ────────────────────────────────────────────────────────────────────────────────────────

/** A string of a form. */
export const text = (what: string, form: RegExp): OptionCheck<string> =>
  check.accept(what, (value): value is string => typeof value === 'string' && form.test(value), check.shown)

export const domain: OptionCheck<string> = text(
  "a domain name, such as 'login.example.com'",
  /^(?=.{1,253}$)[a-z\d](?:[a-z\d-]*[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]*[a-z\d])?)+$/i,
)
export const guid: OptionCheck<string> = text(
  'a GUID, the directory (tenant) id',
  /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i,
)
export const digits: OptionCheck<string> = text('a number, as digits', /^\d{1,32}$/)

/** The fault of two options of which exactly one must be given. */
export const oneOf = (
  caller: string,
  one: readonly [string, unknown],
  other: readonly [string, unknown],
): void => {
  const given = [one, other].filter(([, value]) => value !== undefined)
  if (given.length === 1) return
  const got = given.length === 0 ? 'neither' : 'both'
  throw check.wrongOptions(caller, [`${one[0]}: must be given, or else ${other[0]}; got ${got}`])
}

/** A list of names, or a function that says whether a name is trusted. */
export const listOrFunction = (
  what: string,
  item: OptionCheck<string>,
  signature: string,
): OptionCheck<readonly string[] | ((name: string) => boolean)> => {
  const names = check.listOf(what, item)
  const trust = check.fn<(name: string) => boolean>(signature)
  return check.choose<readonly string[] | ((name: string) => boolean)>((value) =>
    typeof value === 'function' ? trust : names,
  )
}
