import type { OptionCheck } from '../check-options.ts'
import * as check from '../check-options.ts'
import type { Claims, ReadClaims } from '../ports.ts'
import type { Fetch } from './fetch-json.ts'

// Options of several verifiers, and their checks.

/** Options of both verifiers. */
export interface PrincipalOptions {
  /**
   * Reads organizations and capabilities from the claims. If it throws an error other than by `refuse`, the response is
   * 503.
   * @defaultValue organizations: `org`, a name or a list of names. Capabilities: `scope`, or `scp` if there is no `scope`;
   *   a string of words separated by spaces, or a list
   */
  readonly readClaims?: ReadClaims
  /**
   * Returns the subject of the principal. It must return the same subject for the same claims. `undefined`, an empty string
   * and a string of more than 256 characters cause `refuse('token_invalid')`. If it throws an error other than by `refuse`,
   * the response is 503.
   * @defaultValue `sub`; if there is none, `client_id`; if there is neither, `azp`
   */
  readonly subject?: (claims: Claims) => string | undefined
  /**
   * The longest token that is read, in characters, from 16 to 65,536. A longer token gets `refuse('token_invalid')`. Node
   * limits all header fields together to 16 KiB, so raise `maxHeaderSize` of your server too.
   * @defaultValue 8_192
   */
  readonly maxTokenLength?: number
}

/** Whether requests may be sent to a URL. http is allowed on loopback hosts only, because it does not encrypt secrets. */
export const isTrusted = (url: URL): boolean =>
  url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))

/** Whether the host of a URL is this machine. Only the name is checked; it is not resolved. */
export const isLoopback = ({ hostname }: URL): boolean =>
  /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)

/** Checks a URL that requests are sent to. */
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

/** `'none'`, or the names of this service. */
export type Audience = string | readonly string[]

/** Requires `accept` with `audience: 'none'`, if the compiler knows the audience. If not, it is checked at creation. */
export type AcceptRule<A extends Audience> = { readonly audience: A } & (A extends 'none'
  ? { readonly accept: (claims: Claims) => boolean }
  : string extends A
    ? unknown
    : { readonly accept?: undefined })

export const accept: OptionCheck<(claims: Claims) => boolean> =
  check.fn<(claims: Claims) => boolean>('(claims) => boolean')

/** Finds the fault if `accept` is given without `audience: 'none'`, or missing with it. */
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

/** Checks the option `fetch`. */
export const fetchOption: OptionCheck<Fetch> = check.fn<Fetch>('(url, init) => Promise<Response>')

/** Checks the option `maxTokenLength`. */
export const tokenLength: OptionCheck<number> = check.whole('characters', 16, 65_536)

export const readClaims: OptionCheck<ReadClaims> = check.fn<ReadClaims>(
  '(claims) => ({ organizations, capabilities })',
)

// ── options of the presets ───────────────────────────────────────────────────────────────────────────────────────

/** Checks a string against a pattern. */
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

/** Throws a `TypeError` unless exactly one of two options is given. */
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

/** Checks a list of names, or a function that decides whether a name is trusted. */
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
