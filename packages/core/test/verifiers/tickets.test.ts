import { createCipheriv, hkdfSync, randomBytes } from 'node:crypto'

import { CompactEncrypt, compactDecrypt } from 'jose'
import { describe, expect, test } from 'vitest'

import type { Principal } from '../../src/ports.ts'
import type { TicketGrant, Tickets } from '../../src/ticket.ts'
import { createJwtVerifier } from '../../src/verifiers/jwt-verifier.ts'
import type { TicketOptions } from '../../src/verifiers/ticket-options.ts'
import { createTickets } from '../../src/verifiers/tickets.ts'
import { createForge } from './forge.ts'
import { causeOf, verdictOf } from './verdict.ts'

const secret = Uint8Array.from({ length: 32 }, (_, index) => index)
const keys = [{ id: '2026-11', secret }]
const issued = 1_800_000_000_000
const capability = 'exports:download'
const principal: Principal = {
  issuer: 'https://login.example',
  subject: 'user-1',
  organizations: ['acme', 'globex'],
  capabilities: ['exports:download', 'admin'],
  claims: { email: 'user-1@example.com', team: ['blue'] },
}
const grant: TicketGrant = {
  principal,
  tenant: { id: 't-1', name: 'acme' },
  exportId: '0f0e0d0c-0b0a-4908-8706-050403020100',
  version: 'v1',
  capability,
}
const tickets = createTickets({ keys })

const sealedBy = async (
  options: Partial<TicketOptions>,
  changes: Partial<TicketGrant> = {},
): Promise<string> => (await createTickets({ keys, ...options }).seal({ ...grant, ...changes }, issued)).text

/** How opening ended: the subject, or the kind of the refusal. */
const opened = (text: string, by: Tickets = tickets, at = issued): Promise<string> =>
  verdictOf(by.open(text, capability, at).then((ticket) => ticket.principal))

describe('a ticket', () => {
  test('says nothing to who reads it, and to us all', async () => {
    const { ticket, text } = await tickets.seal(grant, issued)

    const [header = '', ...parts] = text.split('.')
    expect(Buffer.from(header, 'base64url').toString()).toBe(
      '{"alg":"dir","enc":"A256GCM","kid":"2026-11","typ":"export-ticket+jwt"}',
    )
    expect(parts.map((part) => part.length)).toEqual([0, 16, expect.any(Number), 22])
    expect(text.length).toBeLessThan(1_000)

    expect(await tickets.open(text, capability, issued)).toEqual(ticket)
    expect(ticket).toEqual({
      id: expect.stringMatching(/^[\da-f-]{36}$/) as unknown,
      principal: {
        issuer: 'https://login.example',
        subject: 'user-1',
        organizations: ['acme'],
        capabilities: ['exports:download'],
        claims: {},
      },
      tenant: { id: 't-1', name: 'acme' },
      exportId: grant.exportId,
      version: 'v1',
      capability,
      issuedAt: issued,
      startBy: issued + 300_000,
      resumeBy: issued + 86_400_000,
    })
  })

  test('is another one each time', async () => {
    const [one, other] = [await tickets.seal(grant, issued), await tickets.seal(grant, issued)]
    expect(one.text.split('.')[2]).not.toBe(other.text.split('.')[2])
    expect(one.ticket.id).not.toBe(other.ticket.id)
  })

  test('carries the claims that the host chose, frozen', async () => {
    const choosing = createTickets({ keys, claims: ({ claims: { team } }) => ({ team }) })
    const { text } = await choosing.seal(grant, issued)
    const { principal } = await choosing.open(text, capability, issued)
    expect(principal.claims).toEqual({ team: ['blue'] })
    expect(
      [principal, principal.claims, principal.claims['team'], principal.capabilities].map(Object.isFrozen),
    ).toEqual([true, true, true, true])
  })

  test('proves no organization that the token did not name', async () => {
    const text = await sealedBy({}, { tenant: { id: 't-9', name: 'initech' } })
    const { principal, tenant } = await tickets.open(text, capability, issued)
    expect({ organizations: principal.organizations, tenant: tenant.name }).toEqual({
      organizations: [],
      tenant: 'initech',
    })
  })

  test('is not longer than 2,048 characters', async () => {
    const talkative = createTickets({ keys, claims: () => ({ pad: 'x'.repeat(2_000) }) })
    await expect(talkative.seal(grant, issued)).rejects.toThrow(
      /at most 2048 characters, not \d{4}: let `claims`/,
    )
  })
})

describe('time', () => {
  const day = 86_400_000
  test.each<[string, number, string]>([
    ['a clock 60 s behind', -60_000, 'user-1'],
    ['a clock 120 s behind', -120_000, 'user-1'],
    ['a clock further behind', -120_001, 'ticket_invalid'],
    ['the last millisecond', day - 1, 'user-1'],
    ['resume-by', day, 'ticket_expired'],
    ['long after', 1_000 * day, 'ticket_expired'],
  ])('%s', async (_, after, verdict) => {
    expect(await opened(await sealedBy({}), tickets, issued + after)).toBe(verdict)
  })

  test.each<[Partial<TicketOptions>, number, number]>([
    [{}, 300_000, day],
    [{ startWithinMs: 1_000, resumeWithinMs: 1_000 }, 1_000, 1_000],
    [{ startWithinMs: 7 * day }, 7 * day, 7 * day],
    [{ startWithinMs: day, resumeWithinMs: 2 * day }, day, 2 * day],
  ])('%o', async (options, start, resume) => {
    const { ticket } = await createTickets({ keys, ...options }).seal(grant, issued)
    expect([ticket.startBy - issued, ticket.resumeBy - issued]).toEqual([start, resume])
  })
})

describe('keys', () => {
  const older = { id: '2026-10', secret: randomBytes(32) }
  const newer = { id: '2026-12', secret: randomBytes(64).toString('base64url') }

  test('the first seals, all open', async () => {
    const before = createTickets({ keys: [older, newer] })
    const after = createTickets({ keys: [newer, older] })
    const [old, young] = [await before.seal(grant, issued), await after.seal(grant, issued)]
    expect(
      [old, young].map(({ text }) => Buffer.from(text.split('.')[0] ?? '', 'base64url').toString()),
    ).toEqual([expect.stringContaining('"kid":"2026-10"'), expect.stringContaining('"kid":"2026-12"')])
    expect(await Promise.all([opened(old.text, after), opened(young.text, before)])).toEqual([
      'user-1',
      'user-1',
    ])
  })

  test('a removed one opens nothing', async () => {
    const { text } = await createTickets({ keys: [older] }).seal(grant, issued)
    expect(await opened(text, createTickets({ keys: [newer] }))).toBe('ticket_invalid')
  })

  test('bytes and base64url are the same secret, and a caller that changes its bytes changes nothing', async () => {
    const bytes = Uint8Array.from(secret)
    const given = createTickets({ keys: [{ id: '2026-11', secret: bytes }] })
    bytes.fill(0)
    const text = await sealedBy({
      keys: [{ id: '2026-11', secret: Buffer.from(secret).toString('base64url') }],
    })
    expect(await opened(text, given)).toBe('user-1')
  })
})

// ── what is no ticket ────────────────────────────────────────────────────────────────────────────────────────────

const part = (value: unknown): string =>
  Buffer.from(
    typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value),
  ).toString('base64url')
const derived = Buffer.from(hkdfSync('sha256', secret, '', 'sallyport export-ticket 1 A256GCM', 32))

/** A JWE of any header and plaintext, honestly sealed with the key of `2026-11`. */
function jwe(header: unknown, plaintext: unknown, key: Uint8Array = derived): string {
  const [protectedPart, iv] = [part(header), randomBytes(12)]
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(protectedPart))
  const text = typeof plaintext === 'string' ? plaintext : JSON.stringify(plaintext)
  const sealed = Buffer.concat([cipher.update(text), cipher.final()])
  return [protectedPart, '', part(iv), part(sealed), part(cipher.getAuthTag())].join('.')
}

const header = { alg: 'dir', enc: 'A256GCM', kid: '2026-11', typ: 'export-ticket+jwt' }
const claims = {
  id: 'ticket-1',
  aud: capability,
  iss: 'https://login.example',
  sub: 'user-1',
  named: true,
  tenantId: 't-1',
  tenantName: 'acme',
  exportId: grant.exportId,
  version: 'v1',
  capability,
  claims: {},
  iat: issued,
  startBy: issued + 1_000,
  resumeBy: issued + 2_000,
}
const sound = await sealedBy({})
const [soundHeader = '', , soundIv = '', soundSealed = '', soundTag = ''] = sound.split('.')
const forge = createForge(() => issued)
const accessToken = forge.token()

test('the sound one that all others are made from is opened', async () => {
  expect(await opened(jwe(header, claims))).toBe('user-1')
  expect(await opened(sound)).toBe('user-1')
})

test('jose opens our tickets, and we open those of jose (RFC 7516)', async () => {
  const { plaintext, protectedHeader } = await compactDecrypt(sound, derived)
  expect(protectedHeader).toEqual(header)
  expect(JSON.parse(Buffer.from(plaintext).toString())).toMatchObject({ sub: 'user-1', aud: capability })
  const theirs = new CompactEncrypt(plaintext).setProtectedHeader(header)
  expect(await opened(await theirs.encrypt(derived))).toBe('user-1')
})

test.each<[string, string]>([
  ['empty', ''],
  ['an access token', accessToken],
  [
    'an access token with the header of a ticket',
    [soundHeader, ...accessToken.split('.').slice(1)].join('.'),
  ],
  ['a JWS in three parts with our typ', forge.token({}, { typ: 'export-ticket+jwt' })],
  ['four parts', sound.split('.').slice(0, 4).join('.')],
  ['six parts', `${sound}.AAAA`],
  ['three parts of five', [soundHeader, soundIv, soundTag].join('.')],
  ['five dots alone', '....'],
  ['an encrypted key', [soundHeader, 'AAAA', soundIv, soundSealed, soundTag].join('.')],
  ['a blank at its end', `${sound} `],
  ['a line feed at its end', `${sound}\n`],
  ['a blank before it', ` ${sound}`],
  ['padding', `${sound}==`],
  ['a null byte', `${sound}\0`],
  ['percent-encoded dots, decoded by nobody', sound.replaceAll('.', '%2E')],
  ['base64 in place of base64url', sound.replace(/[\w-]{2}$/, '+/')],
  ['100 kB', sound.replace(soundSealed, 'A'.repeat(100_000))],
  ['2,049 characters', sound.replace(soundSealed, 'A'.repeat(2_049 - sound.length + soundSealed.length))],
  [
    'JSON serialization',
    JSON.stringify({ protected: soundHeader, iv: soundIv, ciphertext: soundSealed, tag: soundTag }),
  ],
  ['alg A256KW', jwe({ ...header, alg: 'A256KW' }, claims)],
  ['alg none', jwe({ ...header, alg: 'none' }, claims)],
  ['alg RSA-OAEP', jwe({ ...header, alg: 'RSA-OAEP' }, claims)],
  ['alg in upper case', jwe({ ...header, alg: 'DIR' }, claims)],
  ['alg an array', jwe({ ...header, alg: ['dir'] }, claims)],
  ['alg missing', jwe({ enc: 'A256GCM', kid: '2026-11', typ: 'export-ticket+jwt' }, claims)],
  ['alg twice', jwe(`{"alg":"none",${JSON.stringify(header).slice(1)}`, claims)],
  ['enc A128GCM', jwe({ ...header, enc: 'A128GCM' }, claims)],
  ['enc A256CBC-HS512', jwe({ ...header, enc: 'A256CBC-HS512' }, claims)],
  ['enc missing', jwe({ alg: 'dir', kid: '2026-11', typ: 'export-ticket+jwt' }, claims)],
  ['kid of nobody', jwe({ ...header, kid: '2026-12' }, claims)],
  ['kid a number', jwe({ ...header, kid: 2_026 }, claims)],
  ['kid missing', jwe({ alg: 'dir', enc: 'A256GCM', typ: 'export-ticket+jwt' }, claims)],
  ['kid __proto__', jwe({ ...header, kid: '__proto__' }, claims)],
  ['kid a path', jwe({ ...header, kid: '../../dev/null' }, claims)],
  ['typ JWT', jwe({ ...header, typ: 'JWT' }, claims)],
  ['typ at+jwt', jwe({ ...header, typ: 'at+jwt' }, claims)],
  ['typ in upper case', jwe({ ...header, typ: 'EXPORT-TICKET+JWT' }, claims)],
  ['typ missing', jwe({ alg: 'dir', enc: 'A256GCM', kid: '2026-11' }, claims)],
  ['zip DEF', jwe({ ...header, zip: 'DEF' }, claims)],
  ['PBES2 with a large p2c', jwe({ ...header, alg: 'PBES2-HS256+A128KW', p2c: 2 ** 31, p2s: 'AA' }, claims)],
  ['p2c beside dir', jwe({ ...header, p2c: 2 ** 31 }, claims)],
  ['crit', jwe({ ...header, crit: ['exp'], exp: 1 }, claims)],
  ['an empty crit', jwe({ ...header, crit: [] }, claims)],
  ['an embedded key', jwe({ ...header, jwk: { kty: 'oct', k: part(derived) } }, claims)],
  ['jku elsewhere', jwe({ ...header, jku: 'http://127.0.0.1:9/' }, claims)],
  ['cty', jwe({ ...header, cty: 'JWT' }, claims)],
  [
    'members in another order',
    jwe({ typ: header.typ, kid: header.kid, enc: header.enc, alg: header.alg }, claims),
  ],
  ['blanks in the header', jwe(JSON.stringify(header).replace(',', ', '), claims)],
  ['header no JSON', jwe('alg=dir', claims)],
  ['header an array', jwe([header], claims)],
  ['header no UTF-8', jwe(Buffer.from([0x7b, 0xff, 0x7d]), claims)],
  ['sealed with the secret itself', jwe(header, claims, secret)],
  [
    'sealed with another key of this id',
    await sealedBy({ keys: [{ id: '2026-11', secret: randomBytes(32) }] }),
  ],
  ['of another endpoint with the same keys', await sealedBy({ audience: 'invoices' })],
  ['of another capability', await sealedBy({}, { capability: 'exports:list' })],
  ['a shortened ciphertext', [soundHeader, '', soundIv, soundSealed.slice(0, -4), soundTag].join('.')],
  ['a shortened tag', sound.slice(0, -4)],
  ['no tag', [soundHeader, '', soundIv, soundSealed, ''].join('.')],
  ['no ciphertext', [soundHeader, '', soundIv, '', soundTag].join('.')],
  ['no initialization vector', [soundHeader, '', '', soundSealed, soundTag].join('.')],
  ['a longer initialization vector', [soundHeader, '', `${soundIv}AAAA`, soundSealed, soundTag].join('.')],
  [
    'the tag of another ticket',
    [...sound.split('.').slice(0, 4), (await sealedBy({})).split('.')[4]].join('.'),
  ],
  ['sealed, but no JSON', jwe(header, 'sub=admin')],
  ['sealed, but null', jwe(header, 'null')],
  ['sealed without an export id', jwe(header, { ...claims, exportId: undefined })],
  ['sealed with an empty subject', jwe(header, { ...claims, sub: '' })],
  ['sealed with claims that are a list', jwe(header, { ...claims, claims: [] })],
  ['sealed with a time that is a text', jwe(header, { ...claims, resumeBy: '9e99' })],
  [
    'sealed with an infinite time',
    jwe(header, JSON.stringify(claims).replace(/"resumeBy":\d+/, '"resumeBy":1e999')),
  ],
])('%s is refused', async (_, spoilt) => {
  const error: unknown = await tickets.open(spoilt, capability, issued).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ message: 'ticket_invalid', cause: { name: 'TicketFault' } })
  // The cause goes to logs: it repeats nothing of the ticket.
  expect(JSON.stringify([String(error), String((error as Error).cause)])).not.toContain(
    spoilt.slice(-12) || 'eyJ',
  )
})

test('every single bit that is flipped is seen', async () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const flipped = Array.from(sound).flatMap((character, index) =>
    (character === '.' ? [] : [0, 1, 2, 3, 4, 5]).map((bit) => {
      const other = alphabet[alphabet.indexOf(character) ^ (1 << bit)] ?? '.'
      return sound.slice(0, index) + other + sound.slice(index + 1)
    }),
  )
  const verdicts = await Promise.all(flipped.map((text) => opened(text)))
  expect(flipped.length).toBeGreaterThan(2_000)
  expect([...new Set(verdicts)]).toEqual(['ticket_invalid'])
})

test('every truncation is seen', async () => {
  const verdicts = await Promise.all(Array.from(sound).map((_, length) => opened(sound.slice(0, length))))
  expect([...new Set(verdicts)]).toEqual(['ticket_invalid'])
})

test('a ticket is no access token', async () => {
  const { issuer, audience, jwks } = forge
  const { signal } = new AbortController()
  for (const type of ['at+jwt', 'any'] as const) {
    const { verify } = createJwtVerifier({ issuer, audience, jwks, type })
    expect(await verdictOf(verify(sound, signal))).toBe('token_invalid')
  }
})

test.each<[string, string, string]>([
  ['another kid', jwe({ ...header, kid: 'x' }, claims), '"kid" names none of the keys'],
  ['another typ', jwe({ ...header, typ: 'JWT' }, claims), '"typ" is not export-ticket+jwt'],
  ['another alg', jwe({ ...header, alg: 'A256KW' }, claims), '"alg" is not dir'],
  ['another enc', jwe({ ...header, enc: 'A128GCM' }, claims), '"enc" is not A256GCM'],
  ['zip', jwe({ ...header, zip: 'DEF' }, claims), /other members/.source],
  ['another endpoint', await sealedBy({ audience: 'invoices' }), "'invoices', not 'exports:download'"],
  ['a changed one', sound.replace(soundIv, 'AAAAAAAAAAAAAAAA'), 'it was changed'],
])('the cause of %s tells what to mend', async (_, spoilt, cause) => {
  expect(await causeOf(tickets.open(spoilt, capability, issued))).toContain(cause)
})

describe('wrong options', () => {
  const line = (options: unknown): string => {
    try {
      createTickets(options as TicketOptions)
      return 'accepted'
    } catch (error) {
      return error instanceof TypeError ? error.message : String(error)
    }
  }
  test.each<[unknown, string]>([
    [undefined, 'createTickets: options: must be { keys, startWithinMs?'],
    [{}, 'keys: must be a list of 1 to 16 { id, secret }, with different ids'],
    [{ keys: [] }, 'got 0 keys'],
    [{ keys: Array.from({ length: 17 }, () => keys[0]) }, 'got 17 keys'],
    [{ keys: ['x'] }, 'got a string as keys[0]'],
    [{ keys: [{ id: '', secret }] }, 'got an empty string as keys[0].id'],
    [{ keys: [{ id: 'a b', secret }] }, "got 'a b' as keys[0].id"],
    [{ keys: [...keys, ...keys] }, "got '2026-11' twice"],
    [{ keys: [{ id: 'a', secret: randomBytes(31) }] }, 'got 31 bytes as keys[0].secret'],
    [{ keys: [{ id: 'a', secret: 'c2hvcnQ' }] }, 'got 5 bytes as keys[0].secret'],
    [
      { keys: [{ id: 'a', secret: 'not base64url, but long enough to be a secret' }] },
      'got a string as keys[0].secret',
    ],
    [
      { keys: [{ id: 'a', secret: new Uint8Array(32) }] },
      'got bytes that are no random ones as keys[0].secret',
    ],
    [{ keys: [{ id: 'a', secret: undefined }] }, 'got nothing as keys[0].secret'],
    [{ keys: [{ id: 'a', secret, kid: 'a' }] }, 'got another member in keys[0]'],
    [
      { keys, startWithinMs: 300 },
      'startWithinMs: must be the time in which a download may begin in milliseconds',
    ],
    [{ keys, startWithinMs: 604_800_001 }, 'a whole number from 1000 to 604800000; got 604800001'],
    [{ keys, resumeWithinMs: 604_800_001 }, 'resumeWithinMs: must be'],
    [
      { keys, resumeWithinMs: 299_999 },
      'must be options whose resumeWithinMs is not below startWithinMs; got 299999 and 300000',
    ],
    [
      { keys, parameter: 'a[]' },
      "parameter: must be the name of a query parameter: 1 to 32 letters, digits, _ and -; got 'a[]'",
    ],
    [
      { keys, audience: '' },
      'audience: must be a name for the endpoint that tickets are for; got an empty string',
    ],
    [{ keys, claims: {} }, 'claims: must be a function (principal) => claims; got an object'],
    [{ keys, isRevoked: true }, 'isRevoked: must be a function'],
    [{ keys, url: 'https://x.example' }, 'url: must be a function (path) => URL; got a string'],
    [{ keys, page: '<p>' }, 'page: must be a function (refusal) => HTML; got a string'],
    [{ key: keys }, 'key: is not an option; did you mean keys?'],
  ])('%o', (options, message) => {
    expect(line(options)).toContain(message)
    expect(line(options)).toContain('#createtickets')
  })
  test('no message shows a secret', () => {
    const long = 'c2VjcmV0LXRoYXQtaXMtdG9vLXNob3J0'
    expect(line({ keys: [{ id: 'a', secret: long }] })).not.toContain(long)
    expect(line({ keys: long })).not.toContain(long)
  })
})
