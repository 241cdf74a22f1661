import * as check from '../check-options.ts'
import type { Claims, Principal } from '../ports.ts'
import type { Refusal } from '../refusals.ts'
import type { Tickets, UsedTicket } from '../ticket.ts'
import { isJsonObject } from './fetch-json.ts'

/** A key that seals tickets. */
export interface TicketKey {
  /** 1 to 64 letters, digits, `.`, `_` and `-`. Every ticket contains it unencrypted, so that its key can be found. */
  readonly id: string
  /** At least 32 random bytes, as a `Uint8Array` or as base64url. */
  readonly secret: Uint8Array | string
}

/** How tickets are sealed, and how long they are valid. */
export interface TicketOptions {
  /**
   * 1 to 16 keys. The first key seals new tickets, and every key opens tickets. To change keys, add the new key at the end
   * of the list in every process. Then move it to the front. Remove the old key after `resumeWithinMs`.
   */
  readonly keys: readonly TicketKey[]
  /**
   * Milliseconds after the issue of a ticket in which a download may begin: from 1,000 to 604,800,000 (7 days, for links in
   * mails).
   * @defaultValue 300_000
   */
  readonly startWithinMs?: number
  /**
   * Milliseconds after the issue of a ticket in which a download that has begun may be resumed: at least `startWithinMs`,
   * at most 604,800,000 (7 days).
   * @defaultValue 86_400_000, or `startWithinMs` if that is longer
   */
  readonly resumeWithinMs?: number
  /**
   * The query parameter that contains the ticket. The instrumentations of OpenTelemetry redact `sig` by default.
   * @defaultValue 'sig'
   */
  readonly parameter?: string
  /**
   * The name of the endpoint that the tickets are for. Two services with the same keys and different names do not accept
   * each other's tickets.
   * @defaultValue the handler's `capability`
   */
  readonly audience?: string
  /**
   * Selects the claims that `findExport`, `isMember` and quotas see in `principal.claims` when a ticket is used. They must
   * be JSON. Select few, because a ticket has at most 2,048 characters.
   * @defaultValue none
   */
  readonly claims?: (principal: Principal) => Claims
  /**
   * Called each time a ticket is used. If it resolves to `true`, the ticket is refused with 410. If it rejects, the
   * response is 503. Without it, single tickets cannot be revoked. In any case the handler looks up the tenant and the
   * export again.
   */
  readonly isRevoked?: (ticket: UsedTicket, signal: AbortSignal) => Promise<boolean>
  /**
   * Makes the URL that clients get. Give it if a proxy changes the path, or if the URL must be absolute.
   *
   * @param path - path and query of the download, as this service sees them: `/exports/…/download?sig=…`
   * @defaultValue the path itself
   */
  readonly url?: (path: string) => string
  /**
   * Makes the HTML page that a browser shows if a download is refused. The page is sent with a Content-Security-Policy that
   * allows inline styles only.
   * @defaultValue a short page in English
   */
  readonly page?: (refusal: Refusal) => string
}

/** The checked options, with all defaults. */
export interface TicketSettings extends Pick<Tickets, 'parameter' | 'isRevoked' | 'url' | 'page'> {
  readonly keys: readonly { readonly id: string; readonly secret: Uint8Array }[]
  readonly startWithinMs: number
  readonly resumeWithinMs: number
  readonly audience: string | undefined
  readonly claims: (principal: Principal) => Claims
}

const longestMs = 604_800_000
const leastSecretBytes = 32
const mostKeys = 16

const isKeyId = (id: unknown): boolean => typeof id === 'string' && /^[\w.-]{1,64}$/.test(id)

/** The bytes of a secret. `undefined` if it is neither bytes nor base64url. */
function bytesOf(secret: unknown): Uint8Array | undefined {
  if (secret instanceof Uint8Array) return Uint8Array.from(secret)
  return typeof secret === 'string' && /^[\w-]+={0,2}$/.test(secret)
    ? Buffer.from(secret, 'base64url')
    : undefined
}

/** Finds the first fault of a list of keys. The text contains no secret. */
function keysFault(keys: unknown): string | undefined {
  if (!Array.isArray(keys)) return check.kindOf(keys)
  if (keys.length === 0 || keys.length > mostKeys) return `${keys.length} keys`
  const ids = new Set<unknown>()
  const list: readonly unknown[] = keys
  for (const [index, key] of list.entries()) {
    if (!isJsonObject(key)) return `${check.kindOf(key)} as keys[${index}]`
    const { id, secret, ...others } = key
    const [other] = Object.keys(others)
    if (other !== undefined) return `another member in keys[${index}]`
    if (!isKeyId(id)) return `${check.shown(id)} as keys[${index}].id`
    if (ids.has(id)) return `${check.shown(id)} twice`
    ids.add(id)
    const bytes = bytesOf(secret)
    if (!bytes) return `${check.kindOf(secret)} as keys[${index}].secret`
    if (bytes.length < leastSecretBytes) return `${bytes.length} bytes as keys[${index}].secret`
    if (new Set(bytes).size < 8) return `bytes that are no random ones as keys[${index}].secret`
  }
  return undefined
}

const lifetime = (what: string): check.OptionCheck<number> => check.milliseconds(what, 1_000, longestMs)

const optionsCheck = check.refine<TicketOptions>(
  'options whose resumeWithinMs is not below startWithinMs',
  check.object<TicketOptions>(
    '{ keys, startWithinMs?, resumeWithinMs?, parameter?, audience?, claims?, isRevoked?, url?, page? }',
    {
      keys: check.accept<readonly TicketKey[]>(
        `a list of 1 to ${mostKeys} { id, secret }, with different ids of 1 to 64 letters, digits and . _ -, and secrets of at least ${leastSecretBytes} random bytes as Uint8Array or base64url`,
        (value): value is readonly TicketKey[] => keysFault(value) === undefined,
        (value) => keysFault(value) ?? 'others',
      ),
      startWithinMs: lifetime('the time in which a download may begin').optional(),
      resumeWithinMs: lifetime('the time in which a download may be resumed').optional(),
      parameter: check
        .accept<string>(
          'the name of a query parameter: 1 to 32 letters, digits, _ and -',
          (value): value is string => typeof value === 'string' && /^[\w-]{1,32}$/.test(value),
          check.shown,
        )
        .optional(),
      audience: check.text('a name for the endpoint that tickets are for').optional(),
      claims: check.fn<NonNullable<TicketOptions['claims']>>('(principal) => claims').optional(),
      isRevoked: check
        .fn<NonNullable<TicketOptions['isRevoked']>>('(ticket, signal) => Promise<boolean>')
        .optional(),
      url: check.fn<NonNullable<TicketOptions['url']>>('(path) => URL').optional(),
      page: check.fn<NonNullable<TicketOptions['page']>>('(refusal) => HTML').optional(),
    },
  ),
  ({ startWithinMs = 300_000, resumeWithinMs = longestMs }) => resumeWithinMs >= startWithinMs,
  ({ startWithinMs = 300_000, resumeWithinMs }) => `${resumeWithinMs} and ${startWithinMs}`,
)

/** Checks every option once; throws a `TypeError` that names each wrong one. */
export function checkTicketOptions(options: TicketOptions): TicketSettings {
  check.checkOptions('createTickets', options, optionsCheck)
  const { keys, startWithinMs = 300_000, audience, isRevoked, url, page } = options
  return {
    keys: keys.map(({ id, secret }) => ({ id, secret: bytesOf(secret) ?? new Uint8Array() })),
    startWithinMs,
    resumeWithinMs: options.resumeWithinMs ?? Math.max(86_400_000, startWithinMs),
    parameter: options.parameter ?? 'sig',
    audience,
    claims: options.claims ?? noClaims,
    ...(isRevoked && { isRevoked }),
    ...(url && { url }),
    ...(page && { page }),
  }
}

const noClaims = (): Claims => ({})
