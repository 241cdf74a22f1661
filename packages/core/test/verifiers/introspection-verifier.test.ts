import { getEventListeners } from 'node:events'

import { describe, expect, test } from 'vitest'

import type { Claims, TokenVerifier } from '../../src/ports.ts'
import { refuse } from '../../src/refusals.ts'
import type { IntrospectionVerifierOptions } from '../../src/verifiers/introspection-options.ts'
import {
  createIntrospectionVerifier,
  createIntrospectionVerifierIn,
} from '../../src/verifiers/introspection-verifier.ts'
import { createTestWorld, type TestWorld } from './runtime.ts'
import { type Answer, serve, type TestServer } from './serve.ts'
import { causeOf, verdictOf } from './verdict.ts'

const issuer = 'https://issuer.example'
const audience = 'exports'
const startMs = 1_800_000_000_000
const now = startMs / 1_000
const sound: Claims = {
  active: true,
  iss: issuer,
  aud: audience,
  sub: 'user-1',
  client_id: 'client-1',
  token_type: 'Bearer',
  org: 'acme',
  scope: 'read write',
  exp: now + 600,
}
const opaque = 'an-opaque-token-of-some-length'
const { signal } = new AbortController()

interface Scene extends AsyncDisposable {
  readonly world: TestWorld
  readonly server: TestServer
  readonly verify: TokenVerifier['verify']
}

async function createScene(
  answer: Answer = { body: sound },
  changes: Partial<IntrospectionVerifierOptions> = {},
  deadlineMs = 5_000,
): Promise<Scene> {
  const world = createTestWorld(startMs, deadlineMs)
  const server = await serve(answer)
  const options = {
    endpoint: server.url,
    clientId: 'exports',
    clientSecret: 'secret',
    issuer,
    audience,
    ...changes,
  }
  return {
    world,
    server,
    verify: createIntrospectionVerifierIn(world, options).verify,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

describe('the question', () => {
  test('is an RFC 7662 one, with form-encoded Basic credentials', async () => {
    await using scene = await createScene(undefined, { clientId: 'exports:a b', clientSecret: 'p%+ä/:' })
    await scene.verify('token+with/odd~characters=', signal)
    expect(scene.server.requests).toHaveLength(1)
    const { method, headers, body } = scene.server.requests[0] ?? { method: '', headers: {}, body: '' }
    expect({ method, type: headers['content-type'], accept: headers.accept, body }).toEqual({
      method: 'POST',
      type: 'application/x-www-form-urlencoded',
      accept: 'application/json',
      body: 'token=token%2Bwith%2Fodd%7Echaracters%3D&token_type_hint=access_token',
    })
    const [scheme, credentials = ''] = (headers.authorization ?? '').split(' ')
    expect([scheme, Buffer.from(credentials, 'base64').toString()]).toEqual([
      'Basic',
      'exports%3Aa+b:p%25%2B%C3%A4%2F%3A',
    ])
  })

  test('is not asked about a token longer than 8,192 characters', async () => {
    await using scene = await createScene()
    expect(await verdictOf(scene.verify('x'.repeat(8_193), signal))).toBe('token_invalid')
    expect(scene.server.requests).toEqual([])
    expect(await verdictOf(scene.verify('x'.repeat(8_192), signal))).toBe('user-1')
  })
})

describe('the answer', () => {
  test('gives a deeply frozen principal', async () => {
    await using scene = await createScene()
    const principal = await scene.verify(opaque, signal)
    expect(principal).toEqual({
      issuer,
      subject: 'user-1',
      organizations: ['acme'],
      capabilities: ['read', 'write'],
      claims: sound,
    })
    expect([principal, principal.claims, principal.capabilities].every(Object.isFrozen)).toBe(true)
  })

  test.each<[string, Claims, string]>([
    ['the client where there is no sub', { sub: undefined }, 'client-1'],
    ['iss absent', { iss: undefined }, 'user-1'],
    ['exp absent', { exp: undefined }, 'user-1'],
    ['token_type absent', { token_type: undefined }, 'user-1'],
    ['token_type in another case', { token_type: 'bearer' }, 'user-1'],
    ['several audiences, one ours', { aud: ['imports', 'exports'] }, 'user-1'],
    ['exp 29 s ago', { exp: now - 29 }, 'user-1'],
    ['exp a fraction', { exp: now + 0.5 }, 'user-1'],
    ['nbf in 30 s', { nbf: now + 30 }, 'user-1'],
    ['token_use access_token', { token_use: 'access_token' }, 'user-1'],
  ])('accepts %s', async (_, changes, subject) => {
    await using scene = await createScene({ body: { ...sound, ...changes } })
    expect(await verdictOf(scene.verify(opaque, signal))).toBe(subject)
  })

  test.each<[string, Claims]>([
    ['active false', { active: false }],
    ['active missing', { active: undefined }],
    ['active a string', { active: 'true' }],
    ['active 1', { active: 1 }],
    ['another iss', { iss: 'https://other.example' }],
    ['iss with a slash at its end', { iss: `${issuer}/` }],
    ['iss null', { iss: null }],
    ['aud absent', { aud: undefined }],
    ['another aud', { aud: 'imports' }],
    ['an empty aud', { aud: [] }],
    ['aud ours and a number', { aud: [audience, 5] }],
    ['exp past', { exp: now - 30 }],
    ['exp a string', { exp: String(now + 600) }],
    ['exp null', { exp: null }],
    ['nbf in the future', { nbf: now + 31 }],
    ['nbf a string', { nbf: 'soon' }],
    ['no sub and no client_id', { sub: undefined, client_id: undefined }],
    ['an empty sub', { sub: '' }],
    ['sub a number', { sub: 5 }],
    ['sub null', { sub: null }],
    ['sub of 257 characters', { sub: 's'.repeat(257) }],
    ['token_type DPoP', { token_type: 'DPoP' }],
    ['token_type null', { token_type: null }],
    ['cnf', { cnf: { jkt: 'x' } }],
    ['a refresh token by token_use', { token_use: 'refresh_token' }],
    ['a refresh token by typ', { typ: 'Refresh' }],
    ['an ID token', { nonce: 'n' }],
  ])('refuses %s', async (_, changes) => {
    await using scene = await createScene({ body: { ...sound, ...changes } })
    expect(await verdictOf(scene.verify(opaque, signal))).toBe('token_invalid')
    expect(scene.server.requests).toHaveLength(1)
    scene.server.answer({ body: sound })
    scene.world.pass(5_000)
    expect(await verdictOf(scene.verify(opaque, signal))).toBe('user-1')
  })

  test('refuses exp 1e999', async () => {
    await using scene = await createScene({ body: JSON.stringify(sound).replace(/"exp":\d+/, '"exp":1e999') })
    expect(await verdictOf(scene.verify(opaque, signal))).toBe('token_invalid')
  })

  test.each<[string, Answer]>([
    ['401: our credentials are wrong', { status: 401, body: { error: 'invalid_client' } }],
    ['403', { status: 403, body: sound }],
    ['500', { status: 500 }],
    ['201', { status: 201, body: sound }],
    ['a redirect', { status: 307, headers: { location: '/other' } }],
    ['no JSON', { body: '<html>' }],
    ['an array', { body: [sound] }],
    ['null', { body: 'null' }],
    ['more than 64 KiB', { body: { ...sound, pad: 'x'.repeat(65_536) } }],
    ['a cut', (_, response) => void response.destroy()],
  ])('is a fault of the server where it is %s', async (_, answer) => {
    await using scene = await createScene(answer)
    await expect(scene.verify(opaque, signal)).rejects.toMatchObject({
      data: { kind: 'unavailable', retryAfterMs: 1_500 },
    })
    scene.server.answer({ body: sound })
    expect(await verdictOf(scene.verify(opaque, signal))).toBe('user-1') // a fault is not remembered
  })

  test('is a fault of the server where it does not come', async () => {
    await using scene = await createScene(() => undefined, {}, 250)
    expect(await causeOf(scene.verify(opaque, signal))).toBe('no answer within 250 ms')
    await scene.server.ended(1)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('says for which status it is a fault', async () => {
    await using scene = await createScene({ status: 401 })
    expect(await causeOf(scene.verify(opaque, signal))).toBe('the answer has status 401, not 200')
  })
})

describe('the memory of answers', () => {
  test.each([
    ['30 s', {}, sound, 30_000],
    ['as the option says', { cacheMs: 1_000 }, sound, 1_000],
    ['until exp, without tolerance', {}, { ...sound, exp: now + 10 }, 10_000],
    ['a sixth where inactive', {}, { active: false }, 5_000],
    ['a sixth of the option where inactive', { cacheMs: 600 }, { active: false }, 100],
    ['a sixth where meant for others', {}, { ...sound, aud: 'imports' }, 5_000],
  ])('lasts %s', async (_, options, body, lastsMs) => {
    await using scene = await createScene({ body }, options)
    const { server, verify, world } = scene
    const verdict = await verdictOf(verify(opaque, signal))
    world.pass(lastsMs - 1)
    expect(await verdictOf(verify(opaque, signal))).toBe(verdict)
    expect(server.requests).toHaveLength(1)
    world.pass(1)
    await verdictOf(verify(opaque, signal))
    expect(server.requests).toHaveLength(2)
  })

  test('is off with cacheMs 0', async () => {
    await using scene = await createScene(undefined, { cacheMs: 0 })
    await scene.verify(opaque, signal)
    await scene.verify(opaque, signal)
    expect(scene.server.requests).toHaveLength(2)
  })

  test('gives the same promise again', async () => {
    await using scene = await createScene()
    await scene.verify(opaque, signal)
    expect(scene.verify(opaque, signal)).toBe(scene.verify(opaque, signal))
  })

  test('of good tokens is not displaced by made-up ones', async () => {
    await using scene = await createScene()
    const { server, verify } = scene
    await verify(opaque, signal)
    server.answer({ body: { active: false } })
    for (let batch = 0; batch < 10; batch += 1) {
      await Promise.all(
        Array.from({ length: 24 }, (_, index) =>
          verdictOf(verify(`made-up-token-${batch}-${index}`, signal)),
        ),
      )
    }
    expect(server.requests).toHaveLength(1 + 10 * 24)
    expect(await verdictOf(verify(opaque, signal))).toBe('user-1')
    expect(server.requests).toHaveLength(1 + 10 * 24)
  })
})

describe('many callers', () => {
  test('with one token ask once', async () => {
    await using scene = await createScene()
    const verdicts = await Promise.all(
      Array.from({ length: 50 }, () => verdictOf(scene.verify(opaque, signal))),
    )
    expect(new Set(verdicts)).toEqual(new Set(['user-1']))
    expect(scene.server.requests).toHaveLength(1)
  })

  test('do not suffer when the first of them leaves', async () => {
    const asked = Promise.withResolvers<() => void>()
    await using scene = await createScene((_, response) =>
      asked.resolve(() => response.end(JSON.stringify(sound))),
    )
    const leader = new AbortController()
    const led = verdictOf(scene.verify(opaque, leader.signal))
    const followed = verdictOf(scene.verify(opaque, signal))
    const answer = await asked.promise
    leader.abort(new Error('gone'))
    expect(await led).toBe('threw gone')
    answer()
    expect(await followed).toBe('user-1')
    expect(scene.server.requests).toHaveLength(1)
  })

  test('who all leave end the question', async () => {
    await using scene = await createScene(() => undefined)
    const controller = new AbortController()
    const left = verdictOf(scene.verify(opaque, controller.signal))
    await scene.server.requested(1)
    controller.abort(new Error('gone'))
    expect(await left).toBe('threw gone')
    await scene.server.ended(1)
    scene.server.answer({ body: sound })
    expect(await verdictOf(scene.verify(opaque, signal))).toBe('user-1')
  })

  test('with more than 32 tokens at once are told to come back', async () => {
    const held: (() => void)[] = []
    await using scene = await createScene(
      (_, response) => void held.push(() => response.end(JSON.stringify(sound))),
    )
    const { server, verify } = scene
    const open = Array.from({ length: 32 }, (_, index) => verdictOf(verify(`${opaque}-${index}`, signal)))
    await server.requested(32)
    await expect(verify(`${opaque}-33`, signal)).rejects.toMatchObject({
      data: { kind: 'unavailable', retryAfterMs: 1_500 },
    })
    const joined = verdictOf(verify(`${opaque}-0`, signal)) // waits with the one who asks already
    for (const answer of held) answer()
    expect(new Set([...(await Promise.all(open)), await joined])).toEqual(new Set(['user-1']))
    expect(server.requests).toHaveLength(32)
    server.answer({ body: sound })
    expect(await verdictOf(verify(`${opaque}-33`, signal))).toBe('user-1')
  })
})

describe('readClaims', () => {
  test('may refuse', async () => {
    await using scene = await createScene(undefined, { readClaims: () => refuse('token_invalid') })
    expect(await verdictOf(scene.verify(opaque, signal))).toBe('token_invalid')
  })

  test('that throws is a fault', async () => {
    const readClaims = (): never => {
      throw new Error('a bug')
    }
    await using scene = await createScene(undefined, { readClaims })
    expect(await verdictOf(scene.verify(opaque, signal))).toBe('unavailable')
  })
})

test('the verifier of the door uses the real clock', async () => {
  await using server = await serve({ body: { ...sound, exp: Math.floor(Date.now() / 1_000) + 600 } })
  const { verify } = createIntrospectionVerifier({
    endpoint: server.url,
    clientId: 'exports',
    clientSecret: 'secret',
    issuer,
    audience,
  })
  expect(await verdictOf(verify(opaque, signal))).toBe('user-1')
})
