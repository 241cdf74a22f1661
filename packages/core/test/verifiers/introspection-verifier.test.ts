import { getEventListeners } from 'node:events'
import type { RequestListener } from 'node:http'

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
    expect(await causeOf(scene.verify('x'.repeat(8_193), signal))).toBe(
      'it has 8193 characters, more than maxTokenLength 8192',
    )
  })

  test('is asked about a longer one where maxTokenLength says so', async () => {
    await using scene = await createScene(undefined, { maxTokenLength: 9_000 })
    expect(await verdictOf(scene.verify('x'.repeat(9_000), signal))).toBe('user-1')
    expect(await verdictOf(scene.verify('x'.repeat(9_001), signal))).toBe('token_invalid')
    expect(scene.server.requests).toHaveLength(1)
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

  test('may name its subject by the option', async () => {
    const subject = ({ client_id: client }: Claims): string => `app ${String(client)}`
    await using scene = await createScene(undefined, { subject })
    expect(await verdictOf(scene.verify(opaque, signal))).toBe('app client-1')
  })

  test.each<[Claims, string]>([
    [{ active: false }, '"active" is false, not true'],
    [{ active: 'true' }, '"active" is "true", not true'],
    [{ iss: 'https://other.example' }, '"iss" is "https://other.example", not "https://issuer.example"'],
    [{ aud: 'imports' }, '"aud" is "imports", not strings with one of ["exports"]'],
    [{ aud: undefined }, '"aud" is missing, not strings with one of ["exports"]'],
    [
      { sub: undefined, client_id: 5 },
      '"client_id" is no text but of type number, not a text of 1 to 256 characters',
    ],
    [{ exp: now - 30 }, '"exp" was 30 s ago; the tolerance is 30 s'],
    [{ token_type: 'DPoP' }, '"token_type" is "DPoP", not Bearer'],
  ])('that refuses by %j has a cause', async (changes, says) => {
    await using scene = await createScene({ body: { ...sound, ...changes } })
    expect(await causeOf(scene.verify(opaque, signal))).toBe(says)
  })

  test.each<[string, Claims, string]>([
    ['the client where there is no sub', { sub: undefined }, 'client-1'],
    ['azp where there is neither', { sub: undefined, client_id: undefined, azp: 'party-1' }, 'party-1'],
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
    ['a sixth of the option where inactive', { cacheMs: 6_000 }, { active: false }, 1_000],
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

  test('is bounded in bytes: large answers displace each other', async () => {
    await using scene = await createScene({ body: { ...sound, pad: 'x'.repeat(60_000) } })
    const { server, verify } = scene
    for (let index = 0; index < 20; index += 1) await verify(`${opaque}-${index}`, signal)
    expect(server.requests).toHaveLength(20)
    await verify(`${opaque}-19`, signal)
    await verify(`${opaque}-5`, signal)
    expect(server.requests).toHaveLength(20) // the last 16 are known: 1,000,000 bytes hold no more
    await verify(`${opaque}-3`, signal)
    expect(server.requests).toHaveLength(21)
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

  test('who all leave do not end the question: its answer is kept', async () => {
    const asked = Promise.withResolvers<() => void>()
    await using scene = await createScene((_, response) =>
      asked.resolve(() => response.end(JSON.stringify(sound))),
    )
    const controller = new AbortController()
    const left = verdictOf(scene.verify(opaque, controller.signal))
    const answer = await asked.promise
    controller.abort(new Error('gone'))
    expect(await left).toBe('threw gone')
    answer()
    expect(await verdictOf(scene.verify(opaque, signal))).toBe('user-1')
    expect(scene.server.requests).toHaveLength(1)
  })
})

/** A server that holds its answers back: it says that a token is made up when told, and that others are sound. */
function createHoldingServer(): {
  readonly answer: RequestListener
  readonly release: (count: number) => void
} {
  const held: (() => void)[] = []
  return {
    answer: (_, response) => void held.push(() => response.end(JSON.stringify({ active: false }))),
    release: (count) => {
      for (const respond of held.splice(0, count)) respond()
    },
  }
}

describe('a flood of made-up tokens', () => {
  const flood = { address: '198.51.100.7' }
  const honest = { address: '203.0.113.9' }
  const floodOf = (verify: TokenVerifier['verify'], from: number, count: number): Promise<string>[] =>
    Array.from({ length: count }, (_, index) =>
      verdictOf(verify(`made-up-token-${from + index}`, signal, flood)),
    )

  test('of one address asks 16 times at once; another address is asked about at once', async () => {
    const holding = createHoldingServer()
    await using scene = await createScene(holding.answer)
    const { server, verify } = scene
    const flooded = floodOf(verify, 0, 100)
    await server.requested(16)
    server.answer({ body: sound })
    expect(await verdictOf(verify(opaque, signal, honest))).toBe('user-1')
    expect(server.requests).toHaveLength(17)
    server.answer({ body: { active: false } })
    holding.release(16)
    expect(new Set(await Promise.all(flooded))).toEqual(new Set(['token_invalid']))
    expect(server.requests).toHaveLength(101)
  })

  test('of many addresses lets another one be next', async () => {
    const holding = createHoldingServer()
    await using scene = await createScene(holding.answer)
    const { server, verify } = scene
    const flooded = Array.from({ length: 400 }, (_, index) =>
      verdictOf(verify(`made-up-token-${index}`, signal, { address: `198.51.100.${index % 4}` })),
    )
    await server.requested(32)
    const verdict = verdictOf(verify(opaque, signal, honest))
    holding.release(5)
    await server.requested(37)
    expect(server.requests.slice(32).some(({ body }) => body.includes(opaque))).toBe(true)
    server.answer({ body: { active: false } })
    holding.release(32)
    expect(await verdict).toBe('token_invalid')
    expect(new Set(await Promise.all(flooded))).toEqual(new Set(['token_invalid']))
  })

  test('of one address is refused beyond 16 asked and 256 waiting, and no other address is', async () => {
    const holding = createHoldingServer()
    await using scene = await createScene(holding.answer)
    const { server, verify } = scene
    const flooded = floodOf(verify, 0, 272)
    await server.requested(16)
    await expect(verify('one-made-up-token-more', signal, flood)).rejects.toMatchObject({
      data: { kind: 'unavailable', retryAfterMs: 1_500 },
    })
    server.answer({ body: sound })
    expect(await verdictOf(verify(opaque, signal, honest))).toBe('user-1')
    server.answer({ body: { active: false } })
    holding.release(16)
    expect(new Set(await Promise.all(flooded))).toEqual(new Set(['token_invalid']))
  })

  test('from one IPv6 network is of one address', async () => {
    const holding = createHoldingServer()
    await using scene = await createScene(holding.answer)
    const { server, verify } = scene
    const flooded = Array.from({ length: 40 }, (_, index) =>
      verdictOf(verify(`made-up-token-${index}`, signal, { address: `2001:db8::${index}` })),
    )
    await server.requested(16)
    server.answer({ body: sound })
    expect(await verdictOf(verify(opaque, signal, { address: '2001:db8:1::1' }))).toBe('user-1')
    expect(server.requests).toHaveLength(17)
    server.answer({ body: { active: false } })
    holding.release(16)
    await Promise.all(flooded)
  })

  test('does not delay a token that was active when it was last asked about, though nothing is left', async () => {
    await using scene = await createScene()
    const { server, verify, world } = scene
    await verify(opaque, signal, flood)
    const holding = createHoldingServer()
    server.answer(holding.answer)
    const flooded = Array.from({ length: 200 }, (_, index) =>
      verdictOf(verify(`made-up-token-${index}`, signal, { address: `198.51.100.${index % 2}` })),
    )
    await server.requested(1 + 32)
    expect(await verdictOf(verify(opaque, signal, flood))).toBe('user-1') // remembered
    world.pass(30_000)
    server.answer({ body: sound })
    expect(await verdictOf(verify(opaque, signal, flood))).toBe('user-1') // asked about anew
    expect(server.requests).toHaveLength(1 + 32 + 1)
    server.answer({ body: { active: false } })
    holding.release(32)
    await Promise.all(flooded)
  })

  test('that hangs up frees no slot', async () => {
    const holding = createHoldingServer()
    await using scene = await createScene(holding.answer)
    const { server, verify } = scene
    const controller = new AbortController()
    const first = Array.from({ length: 16 }, (_, index) =>
      verdictOf(verify(`made-up-token-${index}`, controller.signal, flood)),
    )
    await server.requested(16)
    controller.abort(new Error('gone'))
    expect(new Set(await Promise.all(first))).toEqual(new Set(['threw gone']))
    const next = floodOf(verify, 16, 4)
    server.answer({ body: sound })
    expect(await verdictOf(verify(opaque, signal, honest))).toBe('user-1')
    expect(server.requests).toHaveLength(17) // none of the four
    server.answer({ body: { active: false } })
    holding.release(16)
    expect(new Set(await Promise.all(next))).toEqual(new Set(['token_invalid']))
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

test('the exported function uses the real clock', async () => {
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
