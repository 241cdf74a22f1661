import { afterAll, describe, expect, test } from 'vitest'

import { forgeAttacks, rsaSigner } from '../verifiers/forge.ts'
import { type Answer, serve } from '../verifiers/serve.ts'
import { send } from './ask.ts'
import { activeAnswer, forge, openFortress } from './fortress.ts'
import { ids, pathOf } from './scene.ts'

const attacker = await serve({ body: {} })
afterAll(() => attacker[Symbol.asyncDispose]())

const sound = forge.token()

/** What HTTP itself takes off a value, or lets nobody send; their turn is below. */
const unsendable = new Set([
  'a blank appended',
  'a blank put before',
  'a line feed appended',
  'a null byte appended',
])

describe('a spoilt token is 401, and the same unspoilt 200', () => {
  const attacks = forgeAttacks(forge, attacker.url.href).filter(({ name }) => !unsendable.has(name))

  test.each(attacks)('$name', async ({ spoilt, sound, keyFetches }) => {
    await using fortress = await openFortress()
    const { verdict, scene } = fortress
    expect(await verdict(`Bearer ${spoilt}`)).toEqual({ status: 401, keyFetches, introspections: 0 })
    expect(await verdict(`Bearer ${sound}`)).toEqual({ status: 200, keyFetches: 1, introspections: 0 })
    expect((await verdict(`Bearer ${spoilt}`)).status).toBe(401)
    await scene.over(3)
    expect(scene.ended().map(({ outcome, kind }) => kind ?? outcome)).toEqual([
      'token_invalid',
      'completed',
      'token_invalid',
    ])
    expect(scene.troubles()).toEqual([])
    expect(attacker.requests).toEqual([])
  })
})

describe('credentials that are no token', () => {
  test.each([
    ['none', '', 'token_missing'],
    ['a scheme alone', 'Bearer', 'token_missing'],
    ['an empty bearer token', 'Bearer ', 'token_missing'],
    ['another scheme', `DPoP ${sound}`, 'token_missing'],
    ['no scheme', sound, 'token_missing'],
    ['two tokens', `Bearer ${sound} ${sound}`, 'token_invalid'],
    ['two credentials in one line', `Bearer ${sound}, Bearer ${sound}`, 'token_invalid'],
    ['a quoted token', `Bearer "${sound}"`, 'token_invalid'],
    ['a tab after the scheme', `Bearer\t${sound}`, 'token_missing'],
    ['padding alone', 'Bearer ==', 'token_invalid'],
    ['characters outside token68', 'Bearer ünïcödé', 'token_invalid'],
  ])('%s', async (_, authorization, kind) => {
    await using fortress = await openFortress()
    const { verdict, scene } = fortress
    expect(await verdict(authorization)).toEqual({ status: 401, keyFetches: 0, introspections: 0 })
    expect(await verdict(`bEARER  ${sound}`)).toEqual({ status: 200, keyFetches: 1, introspections: 0 })
    await scene.over(2)
    expect(scene.ended()[0]).toMatchObject({ kind })
  })

  test('a token in the query or a cookie is not looked at', async () => {
    await using fortress = await openFortress()
    const { scene, keys } = fortress
    const headers = { authorization: undefined, cookie: `access_token=${sound}` }
    const path = `${pathOf(ids.ready)}?access_token=${sound}`
    expect((await scene.ask({ headers })).status).toBe(401)
    expect((await scene.ask({ path, headers })).status).toBe(401)
    expect(keys.requests).toEqual([])
  })
})

describe('what HTTP makes of blanks and controls', () => {
  test('blanks around a token are no part of it', async () => {
    await using fortress = await openFortress()
    const { verdict } = fortress
    expect((await verdict(`Bearer  ${sound} `)).status).toBe(200)
  })

  test.each(['\n', '\0', '\r'])(
    'a header line with %j inside is refused before any handler runs',
    async (control) => {
      await using fortress = await openFortress()
      const { scene } = fortress
      const lines = [`GET ${pathOf(ids.ready)} HTTP/1.1`, 'Host: a', 'Connection: close', 'X-Org-Name: acme']
      const answer = await send(
        scene.port,
        `${lines.join('\r\n')}\r\nAuthorization: Bearer ${sound}${control}x\r\n\r\n`,
      )
      expect(answer.toString('latin1', 0, 12)).toBe('HTTP/1.1 400')
      expect(scene.calls).toEqual([])
    },
  )
})

describe('a token that is too long', () => {
  const ofLength = (length: number): string => {
    const token = forge.token({ pad: '' })
    const pad = 'x'.repeat(Math.floor(((length - token.length) * 3) / 4))
    const [head, payload, signature] = forge.token({ pad }).split('.')
    return `${head}.${payload}.${signature}`
  }

  test('8,193 characters are 401 without a key fetched', async () => {
    await using fortress = await openFortress()
    const { verdict } = fortress
    const token = `${sound}${'A'.repeat(8_193 - sound.length)}`
    expect(token).toHaveLength(8_193)
    expect(await verdict(`Bearer ${token}`)).toEqual({ status: 401, keyFetches: 0, introspections: 0 })
    expect(await verdict(`Bearer ${'a'.repeat(8_193)}`)).toEqual({
      status: 401,
      keyFetches: 0,
      introspections: 0,
    })
    expect((await verdict(`Bearer ${sound}`)).status).toBe(200)
  })

  test('one of nearly 8,192 characters is good', async () => {
    await using fortress = await openFortress()
    const token = ofLength(8_190)
    expect(token.length).toBeGreaterThan(8_180)
    expect((await fortress.verdict(`Bearer ${token}`)).status).toBe(200)
  })

  test('100 kB are 431 by Node itself, and no handler runs', async () => {
    await using fortress = await openFortress()
    const { verdict, scene } = fortress
    expect((await verdict(`Bearer ${ofLength(100_000)}`)).status).toBe(431)
    expect(scene.calls).toEqual([])
    expect((await verdict(`Bearer ${sound}`)).status).toBe(200)
  })

  test('100 kB are 401 where Node lets them through', async () => {
    await using fortress = await openFortress({ maxHeaderSize: 262_144 })
    const { verdict } = fortress
    const token = ofLength(100_000)
    expect(token.length).toBeGreaterThan(99_000)
    expect(await verdict(`Bearer ${token}`)).toEqual({ status: 401, keyFetches: 0, introspections: 0 })
    expect((await verdict(`Bearer ${sound}`)).status).toBe(200)
  })
})

describe('keys', () => {
  test('a flood of unknown kids asks for the keys once', async () => {
    await using fortress = await openFortress()
    const { verdict, keys } = fortress
    const flood = Array.from({ length: 30 }, (_, nth) => forge.token({}, { kid: `kid-${nth}` }))
    const statuses = await Promise.all(flood.map(async (token) => (await verdict(`Bearer ${token}`)).status))
    expect(new Set(statuses)).toEqual(new Set([401]))
    expect(keys.requests).toHaveLength(1)
    expect(await verdict(`Bearer ${sound}`)).toEqual({ status: 200, keyFetches: 1, introspections: 0 })
  })

  test.each<[string, Answer]>([
    ['answer 500', { status: 500, body: 'secret stack' }],
    ['are no JSON', { body: '<html>' }],
    ['are no key set', { body: { error: 'secret' } }],
    ['redirect', { status: 302, headers: { location: attacker.url.href } }],
  ])('that %s are 503, not 401', async (_, answer) => {
    await using fortress = await openFortress({ keys: answer })
    const { scene } = fortress
    const refused = await scene.ask({ headers: { authorization: `Bearer ${sound}` } })
    expect(refused.status).toBe(503)
    expect(refused.field('www-authenticate')).toBeUndefined()
    expect(Number(refused.field('retry-after'))).toBeGreaterThan(0)
    expect(scene.troubles()).toMatchObject([{ port: 'verifier', code: 'verifier_unavailable' }])
    expect(attacker.requests).toEqual([])
  })

  test('a key of another issuer proves nothing, though its set is at hand', async () => {
    await using fortress = await openFortress()
    const stranger = rsaSigner('rsa-1')
    expect((await fortress.verdict(`Bearer ${forge.token({}, {}, stranger)}`)).status).toBe(401)
  })
})

describe('an opaque token', () => {
  const opaque = 'Bearer opaque-token-0123456789'

  test.each<[string, object]>([
    ['that is not active', { active: false }],
    ['active by a text', { active: 'true' }],
    ['active by a number', { active: 1 }],
    ['of nobody', { sub: undefined }],
    ['whose sub is a number', { sub: 5 }],
    ['for another audience', { aud: 'imports' }],
    ['for no audience', { aud: undefined }],
    ['of another issuer', { iss: 'https://other.example' }],
    ['that has expired', { exp: 1 }],
    ['that is not good yet', { nbf: 9_999_999_999 }],
    ['that is bound to a key', { cnf: { jkt: 'x' } }],
    ['that is a refresh token', { token_type: 'refresh_token' }],
  ])('%s is 401', async (_, changes) => {
    await using fortress = await openFortress({ introspected: { body: { ...activeAnswer, ...changes } } })
    const { verdict, introspection } = fortress
    expect(await verdict(opaque)).toEqual({ status: 401, keyFetches: 0, introspections: 1 })
    introspection.answer({ body: activeAnswer })
    expect(await verdict(`${opaque}-sound`)).toEqual({ status: 200, keyFetches: 0, introspections: 2 })
  })

  test.each([401, 403, 500, 302])('is 503 where introspection answers %d', async (status) => {
    await using fortress = await openFortress({
      introspected: { status, headers: { location: attacker.url.href } },
    })
    expect(await fortress.verdict(opaque)).toEqual({ status: 503, keyFetches: 0, introspections: 1 })
    expect(fortress.scene.troubles()).toMatchObject([{ port: 'verifier', code: 'verifier_unavailable' }])
    expect(attacker.requests).toEqual([])
  })

  test('of odd shape is never asked about', async () => {
    await using fortress = await openFortress()
    for (const token of ['short', 'with.dots.short', '=================', 'padding=inside-and-long'])
      expect(await fortress.verdict(`Bearer ${token}`)).toEqual({
        status: 401,
        keyFetches: 0,
        introspections: 0,
      })
  })
})
