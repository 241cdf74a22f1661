import { getEventListeners } from 'node:events'

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { Principal, TokenVerifier } from '../../src/ports.ts'
import { refuse } from '../../src/refusals.ts'
import type { JwtVerifierOptions } from '../../src/verifiers/jwt-options.ts'
import { createJwtVerifier, createJwtVerifierIn } from '../../src/verifiers/jwt-verifier.ts'
import { createForge, ecSigner, edSigner, jws, rsaSigner } from './forge.ts'
import { createTestWorld } from './runtime.ts'
import { causeOf, verdictOf } from './verdict.ts'

const world = createTestWorld()
const forge = createForge(world.now)
const { signal } = new AbortController()

const verifierOf = (changes: Partial<JwtVerifierOptions> = {}, runtime = world): TokenVerifier => {
  const { issuer, audience, jwks } = forge
  return createJwtVerifierIn(runtime, { issuer, audience, jwks, type: 'at+jwt', ...changes })
}

describe('a sound token', () => {
  test('proves who, for whom and what, deeply frozen', async () => {
    const principal = await verifierOf().verify(forge.token({ permitted: { ids: ['a'] } }), signal)
    expect(principal).toEqual({
      issuer: forge.issuer,
      subject: 'user-1',
      organizations: ['acme', 'globex'],
      capabilities: ['exports:download', 'openid'],
      claims: forge.claims({ permitted: { ids: ['a'] } }),
    })
    const { permitted } = principal.claims as { permitted: { ids: string[] } }
    for (const part of [
      principal,
      principal.organizations,
      principal.capabilities,
      principal.claims,
      permitted,
      permitted.ids,
    ]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })

  test.each([
    ['an RSA key', forge.rsa],
    ['an EC key', forge.ec],
    ['an Ed25519 key as EdDSA', edSigner('ed')],
    [
      'an Ed25519 key as Ed25519',
      ((ed) => ({ ...ed, alg: 'Ed25519', jwk: { ...ed.jwk, alg: 'Ed25519' } }))(edSigner('ed')),
    ],
  ])('may be signed with %s', async (_, signer) => {
    const { verify } = verifierOf({ jwks: { keys: [signer.jwk] } })
    expect(await verdictOf(verify(forge.token({}, {}, signer), signal))).toBe('user-1')
  })

  test('may lack a kid where there is one key', async () => {
    const { verify } = verifierOf({ jwks: { keys: [forge.rsa.jwk] } })
    expect(await verdictOf(verify(forge.token({}, { kid: undefined }), signal))).toBe('user-1')
  })

  test.each(['at+jwt', 'AT+JWT', 'application/at+jwt'])('may name its type %s', async (typ) => {
    expect(await verdictOf(verifierOf().verify(forge.token({}, { typ }), signal))).toBe('user-1')
  })

  test('may name several audiences, and the verifier too', async () => {
    const { verify } = verifierOf({ audience: ['imports', 'exports'] })
    expect(await verdictOf(verify(forge.token({ aud: ['reports', 'exports'] }), signal))).toBe('user-1')
    expect(await verdictOf(verify(forge.token({ aud: 'imports' }), signal))).toBe('user-1')
    expect(await verdictOf(verify(forge.token({ aud: 'reports' }), signal))).toBe('token_invalid')
  })

  test('may have a subject of 256 characters', async () => {
    const sub = 's'.repeat(256)
    expect(await verdictOf(verifierOf().verify(forge.token({ sub }), signal))).toBe(sub)
  })
})

describe('time', () => {
  const iat = forge.claims()['iat'] as number

  test.each([
    ['exp 29 s ago', { exp: iat - 29 }, 'user-1'],
    ['exp 30 s ago', { exp: iat - 30 }, 'token_invalid'],
    ['exp a fraction of a second on', { exp: iat - 29.5 }, 'user-1'],
    ['exp a fraction of a second back', { exp: iat - 30.5 }, 'token_invalid'],
    ['nbf in 30 s', { nbf: iat + 30 }, 'user-1'],
    ['nbf in 31 s', { nbf: iat + 31 }, 'token_invalid'],
    ['iat in 30 s', { iat: iat + 30 }, 'user-1'],
    ['iat in 31 s', { iat: iat + 31 }, 'token_invalid'],
    ['iat a day and 29 s ago', { iat: iat - 86_429 }, 'user-1'],
    ['iat a day and 31 s ago', { iat: iat - 86_431 }, 'token_invalid'],
  ])('with a tolerance of 30 s, %s', async (_, claims, verdict) => {
    expect(await verdictOf(verifierOf().verify(forge.token(claims), signal))).toBe(verdict)
  })

  test.each([
    [0, { exp: iat }, 'token_invalid'],
    [0, { exp: iat + 1 }, 'user-1'],
    [120_000, { exp: iat - 119 }, 'user-1'],
    [120_000, { exp: iat - 120 }, 'token_invalid'],
  ])('with a tolerance of %i ms, %j', async (clockToleranceMs, claims, verdict) => {
    expect(await verdictOf(verifierOf({ clockToleranceMs }).verify(forge.token(claims), signal))).toBe(
      verdict,
    )
  })

  test('a token older than maxTokenAgeMs is refused', async () => {
    const { verify } = verifierOf({ maxTokenAgeMs: 60_000, clockToleranceMs: 0 })
    expect(await verdictOf(verify(forge.token({ iat: iat - 59 }), signal))).toBe('user-1')
    expect(await verdictOf(verify(forge.token({ iat: iat - 61 }), signal))).toBe('token_invalid')
  })

  test('a refusal tells by how much the clocks differ', async () => {
    expect(await causeOf(verifierOf().verify(forge.token({ nbf: iat + 42 }), signal))).toBe(
      '"nbf" is in 42 s; the tolerance is 30 s',
    )
    expect(await causeOf(verifierOf().verify(forge.token({ exp: iat - 42 }), signal))).toBe(
      '"exp" was 42 s ago; the tolerance is 30 s',
    )
  })
})

describe('the type', () => {
  const typed = (typ: string | undefined, claims = {}): string => forge.token(claims, { typ })
  const unmarked = { scope: undefined }

  test.each<[JwtVerifierOptions['type'], string, string, string]>([
    ['at+jwt', 'typ at+jwt', typed('at+jwt'), 'user-1'],
    ['at+jwt', 'typ at+jwt and no scope', typed('at+jwt', unmarked), 'user-1'],
    ['at+jwt', 'typ JWT', typed('JWT'), 'token_invalid'],
    ['JWT', 'typ JWT and a scope', typed('JWT'), 'user-1'],
    ['JWT', 'typ JWT and scp', typed('JWT', { ...unmarked, scp: ['read'] }), 'user-1'],
    ['JWT', 'typ JWT and roles', typed('JWT', { ...unmarked, roles: ['admin'] }), 'user-1'],
    ['JWT', 'typ JWT and no mark', typed('JWT', unmarked), 'token_invalid'],
    ['JWT', 'typ JWT and a scope that is none', typed('JWT', { scope: 5 }), 'token_invalid'],
    ['JWT', 'typ at+jwt', typed('at+jwt'), 'token_invalid'],
    ['JWT', 'no typ', typed(undefined), 'token_invalid'],
    ['JWT', 'a nonce', typed('JWT', { nonce: 'n' }), 'token_invalid'],
    ['JWT', 'a nonce and a claim typ Bearer', typed('JWT', { nonce: 'n', typ: 'Bearer' }), 'user-1'],
    [
      'JWT',
      'a nonce, typ Bearer and no scope',
      typed('JWT', { ...unmarked, nonce: 'n', typ: 'Bearer' }),
      'token_invalid',
    ],
    ['JWT', 'a nonce and a claim typ ID', typed('JWT', { nonce: 'n', typ: 'ID' }), 'token_invalid'],
    [
      'JWT',
      'an at_hash and a claim typ Bearer',
      typed('JWT', { at_hash: 'h', typ: 'Bearer' }),
      'token_invalid',
    ],
    ['any', 'a nonce and a claim typ Bearer', typed('JWT', { nonce: 'n', typ: 'Bearer' }), 'token_invalid'],
    ['JWT', 'an at_hash', typed('JWT', { at_hash: 'h' }), 'token_invalid'],
    ['JWT', 'a c_hash', typed('JWT', { c_hash: 'h' }), 'token_invalid'],
    ['JWT', 'token_use id', typed('JWT', { token_use: 'id' }), 'token_invalid'],
    ['JWT', 'token_use access', typed('JWT', { token_use: 'access' }), 'user-1'],
    ['JWT', 'a claim typ Refresh', typed('JWT', { typ: 'Refresh' }), 'token_invalid'],
    ['JWT', 'a claim typ Bearer', typed('JWT', { typ: 'Bearer' }), 'user-1'],
    ['any', 'typ at+jwt', typed('at+jwt'), 'user-1'],
    ['any', 'typ JWT and no mark', typed('JWT', unmarked), 'user-1'],
    ['any', 'no typ', typed(undefined), 'user-1'],
    ['any', 'a nonce', typed(undefined, { nonce: 'n' }), 'token_invalid'],
    ['any', 'an at_hash', typed('JWT', { at_hash: 'h' }), 'token_invalid'],
  ])("'%s' and a token with %s", async (type, _, token, verdict) => {
    expect(await verdictOf(verifierOf({ type }).verify(token, signal))).toBe(verdict)
  })
})

describe('the memory of verified tokens', () => {
  test('gives the same principal again without verifying', async () => {
    const { verify } = verifierOf()
    const token = forge.token()
    const first = await verify(token, signal)
    expect(await verify(token, signal)).toBe(first)
    expect(verify(token, signal)).toBe(verify(token, signal)) // not even a promise is made
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test.each([
    [{}, {}, 60_000],
    [{ cacheMs: 1_000 }, {}, 1_000],
    [{ clockToleranceMs: 0 }, { exp: 10 }, 10_000],
    [{ clockToleranceMs: 0 }, { exp: 9.5 }, 9_500],
    [{ clockToleranceMs: 5_000 }, { exp: 10 }, 15_000],
    [{ clockToleranceMs: 0, maxTokenAgeMs: 60_000 }, {}, 60_000],
  ])('with %j and claims %j, lasts %i with ms', async (options, ends, lastsMs) => {
    const world = createTestWorld()
    const { verify } = verifierOf(options, world)
    const token = createTokenEnding(ends)
    const first: Principal = await verify(token, signal)
    world.pass(lastsMs - 1)
    expect(await verify(token, signal)).toBe(first)
    world.pass(1)
    const again = await verify(token, signal).catch((error: unknown) => error)
    expect(again).not.toBe(first)
  })

  const createTokenEnding = ({ exp }: { exp?: number }): string =>
    forge.token(exp === undefined ? {} : { exp: (forge.claims()['iat'] as number) + exp })

  test('refuses a remembered token from its exp on', async () => {
    const world = createTestWorld()
    const { verify } = verifierOf({ clockToleranceMs: 0 }, world)
    const token = createTokenEnding({ exp: 10 })
    await verify(token, signal)
    world.pass(10_000)
    expect(await verdictOf(verify(token, signal))).toBe('token_invalid')
  })

  test('judges nbf anew where the clock was set back', async () => {
    const world = createTestWorld()
    const { verify } = verifierOf({ clockToleranceMs: 0 }, world)
    const iat = forge.claims()['iat'] as number
    const token = forge.token({ iat: iat - 60, nbf: iat })
    expect(await verdictOf(verify(token, signal))).toBe('user-1')
    world.pass(-1_000)
    expect(await verdictOf(verify(token, signal))).toBe('token_invalid')
  })

  test('belongs to one verifier: another audience does not share it', async () => {
    const token = forge.token()
    expect(await verdictOf(verifierOf().verify(token, signal))).toBe('user-1')
    expect(await verdictOf(verifierOf({ audience: 'imports' }).verify(token, signal))).toBe('token_invalid')
  })

  test('keeps no failure', async () => {
    const world = createTestWorld()
    const { verify } = verifierOf({}, world)
    const token = forge.token({ nbf: (forge.claims()['iat'] as number) + 40 })
    expect(await verdictOf(verify(token, signal))).toBe('token_invalid')
    world.pass(10_000)
    expect(await verdictOf(verify(token, signal))).toBe('user-1')
  })

  test('is off with cacheMs 0', async () => {
    const { verify } = verifierOf({ cacheMs: 0 })
    const token = forge.token()
    expect(await verify(token, signal)).not.toBe(await verify(token, signal))
  })

  test('can be trusted: what one caller does to a principal, no other sees', async () => {
    const { verify } = verifierOf()
    const token = forge.token()
    const first = await verify(token, signal)
    expect(() => Object.assign(first, { organizations: ['victim'] })).toThrow(TypeError)
    expect(() => (first.organizations as string[]).push('victim')).toThrow(TypeError)
    expect((await verify(token, signal)).organizations).toEqual(['acme', 'globex'])
  })
})

describe('readClaims', () => {
  test('picks from frozen claims', async () => {
    const { verify } = verifierOf({
      readClaims: (claims) => ({
        organizations: [Object.isFrozen(claims) ? 'frozen' : 'open'],
        capabilities: claims['scp'] as string[],
      }),
    })
    const { organizations, capabilities } = await verify(forge.token({ scp: ['read'] }), signal)
    expect({ organizations, capabilities }).toEqual({ organizations: ['frozen'], capabilities: ['read'] })
  })

  test('may refuse', async () => {
    const { verify } = verifierOf({ readClaims: () => refuse('token_invalid') })
    expect(await verdictOf(verify(forge.token(), signal))).toBe('token_invalid')
  })

  test('that throws or gives something else is a fault, not a bad token', async () => {
    const broken = verifierOf({
      readClaims: () => {
        throw new Error('a bug')
      },
    })
    expect(await verdictOf(broken.verify(forge.token(), signal))).toBe('threw a bug')
    const wrong = verifierOf({
      readClaims: () => ({ organizations: ['a'], capabilities: undefined as never }),
    })
    expect(await verdictOf(wrong.verify(forge.token(), signal))).toMatch('readClaims gave capabilities')
  })
})

describe('algorithms', () => {
  test('narrow what is accepted', async () => {
    const { verify } = verifierOf({ algorithms: ['ES256'] })
    expect(await verdictOf(verify(forge.token(), signal))).toBe('token_invalid')
    expect(await verdictOf(verify(forge.token({}, {}, forge.ec), signal))).toBe('user-1')
  })
})

describe('a cause says what was got and what was wanted', () => {
  const iat = Number(forge.claims()['iat'])
  const kids = '["rsa-1","ec-1"]'

  test.each<[string, string]>([
    [forge.token({}, { alg: 'HS256' }), '"alg" is "HS256", not one of RS256, PS256, ES256, EdDSA, Ed25519'],
    [forge.token({}, { alg: undefined }), '"alg" is missing, not one of'],
    [forge.token({}, { kid: 'made-up' }), `"kid" is "made-up", not one of the issuer's ${kids}`],
    [forge.token({}, { kid: 5 }), '"kid" is 5, no string'],
    [forge.token({}, { kid: undefined }), '"kid" is missing, and the issuer has several keys'],
    [forge.token({}, { kid: 'ec-1' }), 'no key of the issuer has "kid" "ec-1" and "alg" "RS256"'],
    [
      forge.token({}, {}, rsaSigner('rsa-1')),
      'the signature is wrong for each key of the issuer with "kid" "rsa-1" and "alg" "RS256"',
    ],
    [forge.token({}, { typ: 'JWT' }), '"typ" of the header is "JWT", not "at+jwt"'],
    [forge.token({}, { typ: undefined }), '"typ" of the header is missing, not "at+jwt"'],
    [
      forge.token({ iss: `${forge.issuer}/` }),
      '"iss" is "https://issuer.example/", not "https://issuer.example"',
    ],
    [forge.token({ iss: undefined }), '"iss" is missing, not "https://issuer.example"'],
    [forge.token({ aud: 'imports' }), '"aud" is "imports", not strings with one of ["exports"]'],
    [forge.token({ aud: ['a', 5] }), '"aud" is ["a",5], not strings with one of ["exports"]'],
    [forge.token({ aud: undefined }), '"aud" is missing, not strings with one of ["exports"]'],
    [forge.token({ aud: 'x'.repeat(500) }), `"aud" is "${'x'.repeat(127)}…, not strings`],
    [forge.token({ exp: undefined }), '"exp" is missing, no number of seconds'],
    [forge.token({ exp: 'soon' }), '"exp" is "soon", no number of seconds'],
    [forge.token({ iat: undefined }), '"iat" is missing, no number of seconds'],
    [forge.token({ iat: iat + 90 }), '"iat" is in 90 s; the tolerance is 30 s'],
    [forge.token({ iat: iat - 90_000 }), '"iat" was 90000 s ago; maxTokenAgeMs is 86400000'],
    [forge.token({ nbf: 'later' }), '"nbf" is "later", no number of seconds'],
    [forge.token({ sub: undefined }), '"sub" is missing, not a text of 1 to 256 characters'],
    [forge.token({ sub: 5 }), '"sub" is no text but of type number, not a text of 1 to 256 characters'],
    [forge.token({ sub: 's'.repeat(257) }), '"sub" is a text of 257 characters, not a text of 1 to 256'],
    [
      forge.token({ pad: 'x'.repeat(9_000) }),
      `it has ${forge.token({ pad: 'x'.repeat(9_000) }).length} characters, more than maxTokenLength 8192`,
    ],
    ['a.b', 'it is not three base64url parts with dots between (RFC 7515 §7.1)'],
  ])('%#: %s', async (token, says) => {
    const cause = await causeOf(verifierOf().verify(token, signal))
    expect(cause).toContain(says)
    expect(cause.length).toBeLessThan(400)
  })

  test('for the mark that an untyped token lacks', async () => {
    const { verify } = verifierOf({ type: 'JWT' })
    expect(await causeOf(verify(forge.token({ scope: undefined }, { typ: 'JWT' }), signal))).toBe(
      'with "typ" "JWT", one of ["scope","scp","roles"] must be among the claims; none is',
    )
    expect(await causeOf(verify(forge.token({ token_use: 'id' }, { typ: 'JWT' }), signal))).toBe(
      '"token_use" is "id", which is no access token\'s',
    )
  })

  test('without a stack trace', async () => {
    const error: unknown = await verifierOf()
      .verify(forge.token({ aud: 'imports' }), signal)
      .catch((reason: unknown) => reason)
    expect(error).toHaveProperty('cause.stack', expect.not.stringContaining('\n'))
  })
})

describe('the subject', () => {
  const machine = { sub: undefined, client_id: 'client-1', azp: 'party-1' }

  test.each<[string, Partial<JwtVerifierOptions>, object, string]>([
    ['is sub', {}, { client_id: 'client-1', azp: 'party-1' }, 'user-1'],
    ['is client_id without sub', {}, machine, 'client-1'],
    ['is azp without both', {}, { ...machine, client_id: undefined }, 'party-1'],
    ['is missing without all three', {}, { sub: undefined }, 'token_invalid'],
    ['is named by the option', { subject: ({ azp }) => `app ${String(azp)}` }, machine, 'app party-1'],
    ['is named by the option, also where there is sub', { subject: () => 'x' }, {}, 'x'],
    ['is none where the option gives none', { subject: () => undefined }, {}, 'token_invalid'],
    ['is none where the option gives an empty text', { subject: () => '' }, {}, 'token_invalid'],
    ['is none where the option gives a long text', { subject: () => 's'.repeat(257) }, {}, 'token_invalid'],
    ['may be refused', { subject: () => refuse('token_invalid') }, {}, 'token_invalid'],
  ])('%s', async (_, options, claims, verdict) => {
    expect(await verdictOf(verifierOf(options).verify(forge.token({ ...claims }), signal))).toBe(verdict)
  })

  test('that throws is a fault, not a bad token', async () => {
    const { verify } = verifierOf({
      subject: () => {
        throw new Error('a bug')
      },
    })
    expect(await verdictOf(verify(forge.token(), signal))).toBe('threw a bug')
  })

  test('is picked from frozen claims', async () => {
    const { verify } = verifierOf({ subject: (claims) => (Object.isFrozen(claims) ? 'frozen' : 'open') })
    expect(await verdictOf(verify(forge.token(), signal))).toBe('frozen')
  })
})

describe('maxTokenLength', () => {
  const [short, long] = [forge.token(), forge.token({ pad: 'x'.repeat(9_000) })]

  test.each<[string, Partial<JwtVerifierOptions>, string, string]>([
    ['is 8,192: a short token', {}, short, 'user-1'],
    ['is 8,192: a long token', {}, long, 'token_invalid'],
    ['may be raised', { maxTokenLength: 65_536 }, long, 'user-1'],
    ['may be lowered', { maxTokenLength: 100 }, short, 'token_invalid'],
    ['counts the token itself', { maxTokenLength: short.length }, short, 'user-1'],
    ['counts one character more', { maxTokenLength: short.length - 1 }, short, 'token_invalid'],
  ])('%s', async (_, options, token, verdict) => {
    expect(await verdictOf(verifierOf(options).verify(token, signal))).toBe(verdict)
  })
})

test('no cause holds the token, or a claim that is none of the named ones', async () => {
  const secret = 'do-not-log-me'
  const spoilt = [
    forge.token({ sub: 5, email: secret }),
    forge.token({ sub: { secret } }),
    forge.token({ aud: 'imports', email: secret }),
    forge.token({ iss: 'https://other.example', email: secret }),
    forge.token({ exp: 5, email: secret }),
    forge.token({ email: secret }, { typ: 'JWT' }),
    forge.token({ email: secret }, { crit: [secret], [secret]: true }),
    forge.token({ email: secret }, { kid: 'made-up' }),
    forge.token({ email: secret }, {}, rsaSigner('rsa-1')),
    jws({ alg: 'RS256', kid: 'rsa-1' }, secret, forge.rsa),
  ]
  for (const token of spoilt) {
    const error: unknown = await verifierOf()
      .verify(token, signal)
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(Error)
    const seen = [error, (error as Error).cause].flatMap((one) =>
      one instanceof Error ? [one.message, one.stack, one.cause, JSON.stringify(one)] : [one],
    )
    expect(seen.join('\n')).not.toContain(secret)
    expect(token.split('.').filter((part) => seen.join('\n').includes(part))).toEqual([])
  }
})

test('any spoiling of a sound token, and any text, is token_invalid and nothing else', async () => {
  const { verify } = verifierOf()
  const [sound, other] = [forge.token(), forge.token({ sub: 'x' }, {}, ecSigner('ec-1'))]
  const spoilt = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^[\w-]{0,40}\.[\w-]{0,40}\.[\w-]{0,40}$/),
    fc.tuple(fc.jsonValue(), fc.jsonValue()).map(([header, payload]) => jws(header, payload, forge.rsa)),
    fc
      .dictionary(fc.constantFrom('alg', 'kid', 'typ', 'crit', 'b64', 'jwk', 'x5c', 'zip'), fc.jsonValue())
      .map((header) => forge.token({}, header, ecSigner('rsa-1'))),
    fc
      .tuple(fc.nat(sound.length - 1), fc.constantFrom('.', '=', 'A', '_', ' ', '~', '\n'))
      .map(([at, character]) => `${sound.slice(0, at)}${character}${sound.slice(at)}`),
    fc.nat(sound.length - 1).map((at) => sound.slice(0, at)),
    fc.nat(sound.length).map((at) => sound.slice(0, at) + other.slice(at)),
  )
  await fc.assert(
    fc.asyncProperty(spoilt, async (token) => {
      fc.pre(token !== sound)
      expect(await verdictOf(verify(token, signal))).toBe('token_invalid')
    }),
    { numRuns: 500 },
  )
})

test('the exported function uses the real clock', async () => {
  const present = createForge()
  const { issuer, audience, jwks } = present
  const { verify } = createJwtVerifier({ issuer, audience, jwks, type: 'at+jwt' })
  expect(await verdictOf(verify(present.token(), signal))).toBe('user-1')
})
