import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  randomUUID,
} from 'node:crypto'

import type { Claims } from '../ports.ts'
import { refuse } from '../refusals.ts'
import type { Ticket, Tickets } from '../ticket.ts'
import { isJsonObject } from './fetch-json.ts'
import { createPrincipal } from './principal.ts'
import { checkTicketOptions, type TicketOptions } from './ticket-options.ts'

/** The longest ticket, in characters. URLs of that length pass proxies and mail programs. */
const longestTicket = 2_048
/** How far in the future the issue of a ticket may be, because the clocks of several processes differ. */
const clockToleranceMs = 120_000

/**
 * Makes the tickets of an endpoint. A ticket is a sealed, short-lived permission to download one export, as part of a link.
 * It is encrypted: its holder cannot read the person, the tenant or the export in it.
 *
 * A ticket is a JWE in compact form (RFC 7516) with exactly the header members `alg: dir`, `enc: A256GCM`, `kid` and
 * `typ: export-ticket+jwt`. A ticket with any other header is refused before anything is decrypted. The keys are derived from
 * the secrets by HKDF (RFC 5869), so a secret may have another use too. A ticket may be used more than once until it expires,
 * because browsers, download managers and virus scanners request a file twice.
 *
 * Change a key before it has sealed 2^32 tickets (NIST SP 800-38D §8.3).
 *
 * @throws TypeError at creation, naming each wrong option
 * @example
 * createTickets({ keys: [{ id: '2026-11', secret }] })
 */
export function createTickets(options: TicketOptions): Tickets {
  const settings = checkTicketOptions(options)
  const { startWithinMs, resumeWithinMs, audience, claims, parameter, isRevoked, url, page } = settings
  const keys = settings.keys.map(({ id, secret }): TicketKey => {
    const header = { alg: 'dir', enc: 'A256GCM', kid: id, typ: 'export-ticket+jwt' } as const
    return { part: base64url(JSON.stringify(header)), key: deriveKey(secret) }
  })
  const keyByHeader = new Map(keys.map((key) => [key.part, key]))

  return {
    parameter,
    ...(isRevoked && { isRevoked }),
    ...(url && { url }),
    ...(page && { page }),
    async seal({ principal, tenant, exportId, version, capability }, at) {
      const [first] = keys
      if (!first) throw new TypeError('there is no key')
      const sealed: SealedTicket = {
        id: randomUUID(),
        aud: audience ?? capability,
        iss: principal.issuer,
        sub: principal.subject,
        // If the token did not name the organization, isMember is called again when the ticket is used.
        named: principal.organizations.includes(tenant.name),
        tenantId: tenant.id,
        tenantName: tenant.name,
        exportId,
        version,
        capability,
        claims: claims(principal),
        iat: at,
        startBy: at + startWithinMs,
        resumeBy: at + resumeWithinMs,
      }
      const plaintext = Buffer.from(JSON.stringify(sealed))
      const text = encrypt(first, plaintext)
      if (text.length > longestTicket)
        throw new TypeError(
          `a ticket has at most ${longestTicket} characters, not ${text.length}: let \`claims\` choose fewer`,
        )
      // The ticket is read back, so that `seal` and `open` return the same principal.
      return { ticket: readSealed(plaintext).ticket, text }
    },
    async open(text, capability, at) {
      if (text.length > longestTicket || !compactForm.test(text)) invalid('it has not the shape of a ticket')
      const part = text.slice(0, text.indexOf('.'))
      const key = keyByHeader.get(part) ?? invalid(headerFault(part))
      const { aud, ticket } = readSealed(decrypt(key, text))
      const wanted = audience ?? capability
      if (aud !== wanted) invalid(`it is for the endpoint '${aud}', not '${wanted}'`)
      if (ticket.capability !== capability) invalid(`it proves '${ticket.capability}', not '${capability}'`)
      const { issuedAt, resumeBy } = ticket
      if (at < issuedAt - clockToleranceMs)
        invalid(`it will be issued in ${issuedAt - at} ms: a clock is wrong`)
      if (at >= resumeBy)
        refuse('ticket_expired', { cause: new TicketFault(`it expired ${at - resumeBy} ms ago`) })
      return ticket
    },
  }
}

/**
 * Why a ticket is refused. It becomes the `cause` of the event. Of the ticket it quotes only endpoint, capability and
 * times.
 */
class TicketFault extends Error {
  override readonly name = 'TicketFault'
}

const invalid = (fault: string): never => refuse('ticket_invalid', { cause: new TicketFault(fault) })

interface TicketKey {
  /** The encoded header of every ticket of this key. */
  readonly part: string
  readonly key: KeyObject
}

const deriveKey = (secret: Uint8Array): KeyObject =>
  createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'sallyport export-ticket 1 A256GCM', 32)))

const base64url = (text: string): string => Buffer.from(text).toString('base64url')

/**
 * Five parts, of which the second is empty. Each part must be canonical base64url: a decoder ignores the unused bits of the
 * last character, so several strings would be the same ticket.
 */
const compactForm =
  /^[\w-]+\.\.[\w-]{16}\.(?:[\w-]{4})*(?:[\w-]{2}[AEIMQUYcgkosw048]|[\w-][AQgw])?\.[\w-]{21}[AQgw]$/

/** Says why a header is not accepted. A header is parsed only for this text. */
function headerFault(part: string): string {
  try {
    const header: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    if (!isJsonObject(header)) return 'its header is no JSON object'
    const { alg, enc, typ, kid } = header
    if (typ !== 'export-ticket+jwt') return '"typ" is not export-ticket+jwt'
    if (alg !== 'dir') return '"alg" is not dir'
    if (enc !== 'A256GCM') return '"enc" is not A256GCM'
    return typeof kid === 'string' && Object.keys(header).length === 4
      ? '"kid" names none of the keys'
      : 'its header has other members than alg, enc, kid and typ, or has them in another order'
  } catch {
    return 'its header is no JSON'
  }
}

/** The plaintext of a ticket. Times are in milliseconds since the epoch. */
interface SealedTicket {
  readonly id: string
  readonly aud: string
  readonly iss: string
  readonly sub: string
  readonly named: boolean
  readonly tenantId: string
  readonly tenantName: string
  readonly exportId: string
  readonly version: string
  readonly capability: string
  readonly claims: Claims
  readonly iat: number
  readonly startBy: number
  readonly resumeBy: number
}

const algorithm = 'aes-256-gcm'
const tagBytes = { authTagLength: 16 }

/**
 * Encrypts by RFC 7516 §5.1 with `dir`. It uses node:crypto because jose uses Web Crypto, which runs in the thread pool:
 * for 600 bytes, that costs several times as much as the encryption. A test checks that jose and this file open each
 * other's tickets.
 */
function encrypt({ part, key }: TicketKey, plaintext: Uint8Array): string {
  const iv = randomBytes(12)
  const cipher = createCipheriv(algorithm, key, iv, tagBytes).setAAD(Buffer.from(part))
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return [part, '', ...[iv, sealed, cipher.getAuthTag()].map((bytes) => bytes.toString('base64url'))].join(
    '.',
  )
}

/** Decrypts by RFC 7516 §5.2 with `dir`. */
function decrypt({ part, key }: TicketKey, text: string): Uint8Array {
  const [, , iv = '', sealed = '', tag = ''] = text.split('.')
  const decipher = createDecipheriv(algorithm, key, Buffer.from(iv, 'base64url'), tagBytes)
    .setAAD(Buffer.from(part))
    .setAuthTag(Buffer.from(tag, 'base64url'))
  try {
    return Buffer.concat([decipher.update(Buffer.from(sealed, 'base64url')), decipher.final()])
  } catch {
    return invalid('it was changed, or sealed with another key of this id')
  }
}

/** Reads the plaintext. Its members are checked, because another version of this package may use the same keys. */
function readSealed(plaintext: Uint8Array): { readonly aud: string; readonly ticket: Ticket } {
  const value = parseJson(plaintext)
  if (!isSealedTicket(value)) return invalid('what is sealed in it is no ticket of this release')
  const { id, aud, iss, sub, named, tenantId, tenantName, exportId, version, capability, claims } = value
  const proved = { organizations: named ? [tenantName] : [], capabilities: [capability] }
  const ticket = {
    id,
    principal: createPrincipal(iss, sub, claims, () => proved),
    tenant: Object.freeze({ id: tenantId, name: tenantName }),
    exportId,
    version,
    capability,
    issuedAt: value.iat,
    startBy: value.startBy,
    resumeBy: value.resumeBy,
  }
  return { aud, ticket: Object.freeze(ticket) }
}

const parseJson = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return undefined
  }
}

const texts = [
  'id',
  'aud',
  'iss',
  'sub',
  'tenantId',
  'tenantName',
  'exportId',
  'version',
  'capability',
] as const
const times = ['iat', 'startBy', 'resumeBy'] as const

const isSealedTicket = (value: unknown): value is SealedTicket =>
  isJsonObject(value) &&
  texts.every((name) => typeof value[name] === 'string' && value[name] !== '') &&
  times.every((name) => Number.isFinite(value[name])) &&
  typeof value['named'] === 'boolean' &&
  isJsonObject(value['claims'])
