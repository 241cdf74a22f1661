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

/** Longest ticket, in characters. A URL with it passes every proxy and mailer. */
const longestTicket = 2_048
/** How far in the future a ticket may have been issued: clocks of a fleet differ. */
const clockToleranceMs = 120_000

/**
 * Makes the tickets of an endpoint: sealed, short-lived permissions for one export, which a browser carries in a link. Nothing
 * about person, tenant or export can be read from one.
 *
 * A ticket is a JWE in compact form (RFC 7516) with exactly the header members `alg: dir`, `enc: A256GCM`, `kid` and
 * `typ: export-ticket+jwt`; any other header is refused before anything is decrypted. Its keys are derived from the secrets by
 * HKDF (RFC 5869), so a secret that has another use too is no danger. A ticket may be used more than once until it expires:
 * browsers, download managers and virus scanners ask twice.
 *
 * One key seals at most 2^32 tickets safely (NIST SP 800-38D §8.3): change keys before.
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
        // Where the token did not name it, isMember is asked again when the ticket is used.
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
      // Read back, so that both ends see the same principal.
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

/** Why a ticket is refused: our own words, for the event's `cause`. They hold nothing of the ticket but what it is for. */
class TicketFault extends Error {
  override readonly name = 'TicketFault'
}

const invalid = (fault: string): never => refuse('ticket_invalid', { cause: new TicketFault(fault) })

interface TicketKey {
  /** The header as it stands in every ticket of this key. */
  readonly part: string
  readonly key: KeyObject
}

const deriveKey = (secret: Uint8Array): KeyObject =>
  createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'sallyport export-ticket 1 A256GCM', 32)))

const base64url = (text: string): string => Buffer.from(text).toString('base64url')

/**
 * Five parts, the second empty; each as its one canonical base64url, for a decoder ignores the unused bits of the last
 * character.
 */
const compactForm =
  /^[\w-]+\.\.[\w-]{16}\.(?:[\w-]{4})*(?:[\w-]{2}[AEIMQUYcgkosw048]|[\w-][AQgw])?\.[\w-]{21}[AQgw]$/

/** Why a header is none of ours. Only here is it parsed. */
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

/** What is sealed. Times are milliseconds since the epoch. */
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
 * Encrypts as RFC 7516 §5.1 says for `dir`. By node:crypto and not by jose, which uses Web Crypto: its trip through the thread pool
 * costs several times what 600 bytes of AES do. A test opens these tickets with jose, and those of jose here.
 */
function encrypt({ part, key }: TicketKey, plaintext: Uint8Array): string {
  const iv = randomBytes(12)
  const cipher = createCipheriv(algorithm, key, iv, tagBytes).setAAD(Buffer.from(part))
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return [part, '', ...[iv, sealed, cipher.getAuthTag()].map((bytes) => bytes.toString('base64url'))].join(
    '.',
  )
}

/** Decrypts as RFC 7516 §5.2 says for `dir`. */
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

/** Another version of this library may seal with the same keys, so the members are not taken for granted. */
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
