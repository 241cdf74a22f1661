import { createHash } from 'node:crypto'
import { getEventListeners } from 'node:events'

import { describe, expect, test } from 'vitest'

import type { TokenVerifier } from '../../src/ports.ts'
import type { JwtVerifierOptions } from '../../src/verifiers/jwt-options.ts'
import { createJwtVerifierIn } from '../../src/verifiers/jwt-verifier.ts'
import { createForge, type Forge, jws, rsaSigner } from './forge.ts'
import { createTestWorld, type TestWorld } from './runtime.ts'
import { type Answer, serve, type TestServer } from './serve.ts'
import { causeOf, verdictOf } from './verdict.ts'

const MINUTE = 60_000

/** An issuer whose keys are at an address, a verifier without a memory for tokens, and a clock. */
interface Scene extends AsyncDisposable {
  readonly world: TestWorld
  readonly forge: Forge
  readonly server: TestServer
  readonly verifier: TokenVerifier
  readonly verify: TokenVerifier['verify']
  /** Codes of the troubles told. */
  readonly troubles: readonly string[]
  /** The verdict on a token of the forge, by default a sound one made now. */
  readonly verdict: (token?: string, signal?: AbortSignal) => Promise<string>
}

async function createScene(changes: Partial<JwtVerifierOptions> = {}, deadlineMs = 5_000): Promise<Scene> {
  const world = createTestWorld(undefined, deadlineMs)
  const forge = createForge(world.now)
  const server = await serve({ body: forge.jwks })
  const { issuer, audience } = forge
  const verifier = createJwtVerifierIn(world, {
    issuer,
    audience,
    jwks: server.url,
    type: 'at+jwt',
    cacheMs: 0,
    ...changes,
  })
  const troubles: string[] = []
  verifier.onTrouble?.((code) => troubles.push(code))
  const verdict = (token = forge.token(), signal = new AbortController().signal): Promise<string> =>
    verdictOf(verifier.verify(token, signal))
  return {
    world,
    forge,
    server,
    verifier,
    verify: verifier.verify,
    troubles,
    verdict,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

describe('the first keys', () => {
  test('are fetched for the first token, once for all who wait', async () => {
    await using scene = await createScene()
    const { forge, server, verdict } = scene
    expect(server.requests).toEqual([])
    const verdicts = await Promise.all(
      Array.from({ length: 50 }, (_, index) => verdict(forge.token({ sub: `user-${index}` }))),
    )
    expect(verdicts).toEqual(Array.from({ length: 50 }, (_, index) => `user-${index}`))
    expect(server.requests).toHaveLength(1)
    expect(server.requests[0]).toMatchObject({ method: 'GET', path: '/' })
    expect(scene.troubles).toEqual([])
  })

  test.each<[string, Answer]>([
    ['is no success', { status: 500 }],
    ['is a redirect', { status: 302, headers: { location: '/keys' } }],
    ['is no JSON', { body: '<html>' }],
    ['is no JWK Set', { body: { keys: 'none' } }],
    ['is longer than 512 KiB', { body: { keys: [], pad: 'x'.repeat(524_288) } }],
    ['is cut', (_, response) => void response.destroy()],
  ])('are unavailable where the answer %s', async (_, answer) => {
    await using scene = await createScene()
    scene.server.answer(answer)
    expect(await scene.verdict()).toBe('unavailable')
    expect(scene.server.requests).toHaveLength(1)
  })

  test('are unavailable where nobody listens', async () => {
    const scene = await createScene()
    await scene[Symbol.asyncDispose]()
    expect(await scene.verdict()).toBe('unavailable')
  })

  test('are unavailable where no answer comes in time', async () => {
    await using scene = await createScene({}, 250)
    scene.server.answer(() => undefined)
    const { signal } = new AbortController()
    expect(await causeOf(scene.verify(scene.forge.token(), signal))).toBe('no answer within 250 ms')
    await scene.server.ended(1)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('are not asked for again by every request while their source fails', async () => {
    await using scene = await createScene()
    const { server, world, verdict } = scene
    server.answer({ status: 500 })
    expect(await verdict()).toBe('unavailable')
    expect(await verdict()).toBe('unavailable')
    world.pass(749) // a pause of 1 s, cut to three quarters by chance
    expect(await verdict()).toBe('unavailable')
    expect(server.requests).toHaveLength(1)
    world.pass(1)
    expect(await verdict()).toBe('unavailable')
    expect(server.requests).toHaveLength(2)
    world.pass(1_499) // the pause doubles
    expect(await verdict()).toBe('unavailable')
    expect(server.requests).toHaveLength(2)
    world.pass(1)
    server.answer({ body: scene.forge.jwks })
    expect(await verdict()).toBe('user-1')
    expect(server.requests).toHaveLength(3)
  })

  test('say when to ask again, and why they are missing', async () => {
    await using scene = await createScene()
    scene.server.answer({ status: 500 })
    const { signal } = new AbortController()
    const refusal = { data: { kind: 'unavailable', retryAfterMs: 750 } }
    await expect(scene.verify(scene.forge.token(), signal)).rejects.toMatchObject(refusal)
    await expect(scene.verify(scene.forge.token(), signal)).rejects.toMatchObject(refusal)
    expect(await causeOf(scene.verify(scene.forge.token(), signal))).toBe(
      'the answer has status 500, not 200',
    )
  })

  test('outlive the leader who asked for them', async () => {
    await using scene = await createScene()
    const { forge, server, verdict } = scene
    const asked = Promise.withResolvers<() => void>()
    server.answer((_, response) => asked.resolve(() => response.end(JSON.stringify(forge.jwks))))
    const leader = new AbortController()
    const led = verdict(forge.token(), leader.signal)
    const followed = verdict(forge.token({ sub: 'follower' }))
    const answer = await asked.promise
    leader.abort(new Error('gone'))
    expect(await led).toBe('threw gone')
    answer()
    expect(await followed).toBe('follower')
    expect(server.requests).toHaveLength(1)
    expect(getEventListeners(leader.signal, 'abort')).toEqual([])
  })

  test('are fetched to the end when everybody who asked has left', async () => {
    await using scene = await createScene()
    const { forge, server, verdict } = scene
    const asked = Promise.withResolvers<() => void>()
    server.answer((_, response) => asked.resolve(() => response.end(JSON.stringify(forge.jwks))))
    const [one, two] = [new AbortController(), new AbortController()]
    const verdicts = [verdict(forge.token(), one.signal), verdict(forge.token(), two.signal)]
    const answer = await asked.promise
    one.abort(new Error('one'))
    two.abort(new Error('two'))
    expect(await Promise.all(verdicts)).toEqual(['threw one', 'threw two'])
    answer()
    expect(await verdict()).toBe('user-1')
    expect(server.requests).toHaveLength(1)
  })
})

describe('ready', () => {
  const ask = async ({ verifier }: Scene): Promise<string> => {
    const { signal } = new AbortController()
    const answer = verifier.ready?.(signal) ?? Promise.reject(new Error('there is no ready'))
    return answer.then(() => 'ready', String)
  }

  test('resolves once keys are known, and lets the first token find them', async () => {
    await using scene = await createScene()
    expect(await ask(scene)).toBe('ready')
    expect(await scene.verdict()).toBe('user-1')
    expect(scene.server.requests).toHaveLength(1)
  })

  test('rejects with what went wrong', async () => {
    await using scene = await createScene()
    const { server, world } = scene
    server.answer({ status: 500 })
    expect(await ask(scene)).toBe('Error: the answer has status 500, not 200')
    expect(await ask(scene)).toBe('Error: the answer has status 500, not 200') // within the pause
    expect(server.requests).toHaveLength(1)
    world.pass(1_000)
    server.answer({ body: { keys: [] } })
    expect(await ask(scene)).toBe('Error: no key of the issuer can verify')
  })

  test('resolves while old keys are used in an outage', async () => {
    await using scene = await createScene()
    await scene.verdict()
    scene.server.answer({ status: 500 })
    scene.world.pass(11 * MINUTE)
    expect(await ask(scene)).toBe('ready')
  })
})

describe('weak keys', () => {
  const weakOnes = ({ forge }: Scene): object[] => [forge.ec.jwk, { ...forge.rsa.jwk, e: 'Aw' }]

  test('verify nothing, are reported once until they are gone, and spoil no other', async () => {
    await using scene = await createScene()
    const { forge, server, troubles, verdict, world } = scene
    server.answer({ body: { keys: weakOnes(scene) } })
    expect(await verdict()).toBe('token_invalid')
    expect(await verdict(forge.token({}, {}, forge.ec))).toBe('user-1')
    world.pass(10 * MINUTE)
    expect(await verdict(forge.token({}, {}, forge.ec))).toBe('user-1')
    expect(troubles).toEqual(['keys_weak'])
    server.answer({ body: forge.jwks })
    world.pass(10 * MINUTE)
    expect(await verdict()).toBe('user-1')
    server.answer({ body: { keys: weakOnes(scene) } })
    world.pass(10 * MINUTE)
    expect(await verdict(forge.token({}, {}, forge.ec))).toBe('user-1')
    expect(troubles).toEqual(['keys_weak', 'keys_weak'])
  })

  test('of exponent 1 do not verify what nobody signed', async () => {
    await using scene = await createScene()
    const { forge, server, verdict } = scene
    // With e = 1 a signature is its own padded digest: 0001ff…ff00, the DigestInfo of SHA-256, the digest.
    const unsigned = {
      sign: (input: string): Buffer => {
        const info = Buffer.from('3031300d060960864801650304020105000420', 'hex')
        const tail = Buffer.concat([Buffer.from([0]), info, createHash('sha256').update(input).digest()])
        return Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(254 - tail.length, 0xff), tail])
      },
    }
    const header = { alg: 'RS256', typ: 'at+jwt', kid: 'rsa-1' }
    server.answer({ body: { keys: [{ ...forge.rsa.jwk, e: 'AQ' }] } })
    expect(await verdict(jws(header, forge.claims(), unsigned))).toBe('token_invalid')
  })
})

describe('a key with an end of its own', () => {
  test('verifies until then, also what is remembered', async () => {
    await using scene = await createScene({ cacheMs: 60_000 })
    const { forge, server, verdict, world } = scene
    const exp = world.now() / 1_000 + 30
    server.answer({ body: { keys: [{ ...forge.rsa.jwk, exp }, forge.ec.jwk] } })
    const token = forge.token()
    expect(await verdict(token)).toBe('user-1')
    world.pass(29_999)
    expect(await verdict(token)).toBe('user-1')
    world.pass(1)
    expect(await verdict(token)).toBe('token_invalid')
    expect(await verdict(forge.token({}, {}, forge.ec))).toBe('user-1')
  })
})

describe('known keys', () => {
  test('serve for eight minutes without a question, then are refreshed behind the callers', async () => {
    await using scene = await createScene()
    const { forge, server, world, verdict } = scene
    await verdict()
    world.pass(8 * MINUTE - 1)
    expect(await verdict()).toBe('user-1')
    expect(server.requests).toHaveLength(1)
    world.pass(1)
    const asked = Promise.withResolvers<() => void>()
    server.answer((_, response) => asked.resolve(() => response.end(JSON.stringify(forge.jwks))))
    expect(await verdict()).toBe('user-1') // though nothing has been answered
    expect(await verdict()).toBe('user-1')
    const answer = await asked.promise
    answer()
    await server.ended(1 + 1)
    expect(server.requests).toHaveLength(2)
  })

  test('are fetched anew where nobody asked for them in ten minutes', async () => {
    await using scene = await createScene()
    await scene.verdict()
    scene.world.pass(10 * MINUTE)
    scene.server.answer({ body: { keys: [scene.forge.ec.jwk] } })
    expect(await scene.verdict()).toBe('token_invalid') // its key has been removed
    expect(scene.server.requests).toHaveLength(2)
    expect(scene.troubles).toEqual([])
  })

  test('tell once that they could not be refreshed, and serve on', async () => {
    await using scene = await createScene()
    const { server, troubles, verdict, verifier, world } = scene
    const told = Promise.withResolvers<unknown>()
    verifier.onTrouble?.((_, cause) => told.resolve(cause))
    await verdict()
    world.pass(8 * MINUTE)
    server.answer({ status: 503 })
    expect(await verdict()).toBe('user-1')
    expect(await told.promise).toEqual(new Error('the answer has status 503, not 200'))
    expect(await verdict()).toBe('user-1')
    expect(troubles).toEqual(['keys_not_refreshed'])
    expect(server.requests).toHaveLength(2)
  })

  test('are not asked for behind the callers during a pause', async () => {
    await using scene = await createScene()
    const { server, verdict, world } = scene
    await verdict()
    server.answer({ status: 503 })
    world.pass(10 * MINUTE)
    for (let round = 0; round < 20; round += 1) {
      expect(await verdict()).toBe('user-1')
      await fetch(server.url) // whatever was asked behind our back has come in before
    }
    expect(server.requests).toHaveLength(2 + 20)
  })

  test('serve past their age while their source fails, tell it once per outage, and then serve no more', async () => {
    await using scene = await createScene()
    const { server, troubles, verdict, world } = scene
    await verdict()
    server.answer({ status: 503 })
    world.pass(10 * MINUTE)
    expect([await verdict(), await verdict()]).toEqual(['user-1', 'user-1'])
    expect(troubles).toEqual(['keys_not_refreshed', 'keys_stale'])
    world.pass(15 * MINUTE - 1)
    expect(await verdict()).toBe('user-1')
    world.pass(1)
    expect(await verdict()).toBe('unavailable')
    expect(troubles).toEqual(['keys_not_refreshed', 'keys_stale'])

    world.pass(MINUTE)
    server.answer({ body: scene.forge.jwks })
    expect(await verdict()).toBe('user-1')
    server.answer({ status: 503 })
    world.pass(10 * MINUTE)
    expect(await verdict()).toBe('user-1')
    expect(troubles).toEqual(['keys_not_refreshed', 'keys_stale', 'keys_not_refreshed', 'keys_stale'])
  })

  test('do not let a request wait for a source that is known to fail', async () => {
    await using scene = await createScene()
    const { server, verdict, world } = scene
    await verdict()
    server.answer({ status: 503 })
    world.pass(10 * MINUTE)
    await verdict()
    world.pass(MINUTE)
    server.answer(() => undefined) // never answers
    expect(await verdict()).toBe('user-1')
    await server.requested(3)
  })

  test.each([
    [0, 'unavailable'],
    [1_000, 'user-1'],
  ])('serve %i ms past their age by option: %s', async (staleKeysMs, verdict) => {
    await using scene = await createScene({ staleKeysMs })
    await scene.verdict()
    scene.server.answer({ status: 503 })
    scene.world.pass(10 * MINUTE)
    expect(await scene.verdict()).toBe(verdict)
  })

  test('are fetched anew where the clock was set back', async () => {
    await using scene = await createScene()
    await scene.verdict()
    scene.world.pass(-60 * MINUTE)
    expect(await scene.verdict()).toBe('user-1')
    expect(scene.server.requests).toHaveLength(2)
  })

  test('may be none at all: then every token is refused, and it is told', async () => {
    await using scene = await createScene()
    scene.server.answer({ body: { keys: [{ ...scene.forge.rsa.jwk, d: 'x' }] } })
    expect(await scene.verdict()).toBe('token_invalid')
    expect(scene.troubles).toEqual(['keys_empty'])
  })

  test('are used one by one: an unfit key spoils no other', async () => {
    await using scene = await createScene()
    scene.server.answer({ body: { keys: ['x', { kty: 'oct', k: 'AA' }, scene.forge.rsa.jwk] } })
    expect(await scene.verdict()).toBe('user-1')
    expect(scene.troubles).toEqual([])
  })

  test('are for the holder of a listener that throws no less good', async () => {
    await using scene = await createScene()
    scene.verifier.onTrouble?.(() => {
      throw new Error('broken listener')
    })
    await scene.verdict()
    scene.server.answer({ status: 503 })
    scene.world.pass(10 * MINUTE)
    expect(await scene.verdict()).toBe('user-1')
  })
})

describe('an unknown kid', () => {
  test('asks for the keys once in 30 s, however many come, and is refused', async () => {
    await using scene = await createScene()
    const { forge, server, world, verdict } = scene
    await verdict()
    const flood = (): Promise<string[]> =>
      Promise.all(
        Array.from({ length: 100 }, (_, index) => verdict(forge.token({}, { kid: `made-up-${index}` }))),
      )
    expect(new Set(await flood())).toEqual(new Set(['token_invalid']))
    expect(server.requests).toHaveLength(1) // the first keys are younger than 30 s
    world.pass(30_000)
    expect(new Set(await flood())).toEqual(new Set(['token_invalid']))
    expect(server.requests).toHaveLength(2)
    world.pass(29_999)
    expect(new Set(await flood())).toEqual(new Set(['token_invalid']))
    expect(server.requests).toHaveLength(2)
  })

  test('does not hide a rotation for longer than that: flood, rotate, accept', async () => {
    await using scene = await createScene()
    const { forge, server, world, verdict, verify } = scene
    const { signal } = new AbortController()
    await verdict()
    world.pass(30_000)
    expect(await causeOf(verify(forge.token({}, { kid: 'made-up' }), signal))).toBe(
      `"kid" is "made-up", not one of the issuer's ["rsa-1","ec-1"]`,
    )
    const rotated = rsaSigner('rsa-2')
    server.answer({ body: { keys: [rotated.jwk] } })
    expect(await verdict(forge.token({}, {}, rotated))).toBe('token_invalid')
    world.pass(30_000)
    const verdicts = await Promise.all([
      verdict(forge.token({}, { kid: 'made-up-too' })),
      verdict(forge.token({}, {}, rotated)),
      verdict(forge.token({ sub: 'user-2' }, {}, rotated)),
    ])
    expect(verdicts).toEqual(['token_invalid', 'user-1', 'user-2'])
    expect(await verdict()).toBe('token_invalid') // the old key is gone
    expect(server.requests).toHaveLength(3)
  })

  test('is no verdict while the source fails: unavailable', async () => {
    await using scene = await createScene()
    const { forge, server, world, verdict } = scene
    await verdict()
    server.answer({ status: 503 })
    world.pass(30_000)
    expect(await verdict(forge.token({}, { kid: 'made-up' }))).toBe('unavailable')
    expect(server.requests).toHaveLength(2)
    expect(await verdict(forge.token({}, { kid: 'made-up' }))).toBe('unavailable')
    expect(server.requests).toHaveLength(2) // its pause holds
    expect(await verdict()).toBe('user-1')
    world.pass(1_000)
    server.answer({ body: forge.jwks })
    expect(await verdict(forge.token({}, { kid: 'made-up' }))).toBe('token_invalid')
  })

  test('whose senders hang up suppresses no rotation', async () => {
    await using scene = await createScene()
    const { forge, server, world, verdict } = scene
    await verdict()
    world.pass(30_000)
    const rotated = rsaSigner('rsa-2')
    const asked = Promise.withResolvers<() => void>()
    server.answer((_, response) => asked.resolve(() => response.end(JSON.stringify({ keys: [rotated.jwk] }))))
    const leavers = Array.from({ length: 50 }, async (_, index) => {
      const controller = new AbortController()
      const verdictOfLeaver = verdict(forge.token({}, { kid: `made-up-${index}` }), controller.signal)
      await server.requested(2)
      controller.abort(new Error('gone'))
      return verdictOfLeaver
    })
    const answer = await asked.promise
    expect(new Set(await Promise.all(leavers))).toEqual(new Set(['threw gone']))
    const honest = verdict(forge.token({}, {}, rotated))
    answer()
    expect(await honest).toBe('user-1')
    expect(server.requests).toHaveLength(2)
  })

  test('may ask again at once where the last fetch gave no answer, but for a pause', async () => {
    await using scene = await createScene({}, 500)
    const { forge, server, world, verdict } = scene
    await verdict()
    world.pass(30_000)
    server.answer(() => undefined)
    expect(await verdict(forge.token({}, { kid: 'made-up' }))).toBe('unavailable')
    const rotated = rsaSigner('rsa-2')
    server.answer({ body: { keys: [rotated.jwk] } })
    world.pass(1_000) // not 30 s: those begin with an answer
    expect(await verdict(forge.token({}, {}, rotated))).toBe('user-1')
  })
})

describe('several keys under one kid', () => {
  test.each([
    ['the same key twice', ({ forge }: Scene) => [forge.rsa.jwk, forge.rsa.jwk]],
    ['another key first', ({ forge }: Scene) => [rsaSigner('rsa-1').jwk, forge.rsa.jwk]],
    ['a key of another type first', ({ forge }: Scene) => [{ ...forge.ec.jwk, kid: 'rsa-1' }, forge.rsa.jwk]],
    [
      'keys that name no algorithm',
      ({ forge }: Scene) => [
        { ...rsaSigner('rsa-1').jwk, alg: undefined },
        { ...forge.rsa.jwk, alg: undefined },
      ],
    ],
  ])('%s: each is tried', async (_, keysOf) => {
    await using scene = await createScene()
    const { forge, server, verdict } = scene
    server.answer({ body: { keys: keysOf(scene) } })
    expect(await verdict()).toBe('user-1')
    expect(await verdict(forge.token({}, {}, rsaSigner('rsa-1')))).toBe('token_invalid')
    expect(await verdict(forge.token({ exp: 1 }))).toBe('token_invalid')
  })

  test('a set that lists its one key twice has one key: a token needs no kid', async () => {
    await using scene = await createScene()
    const { forge, server, verdict } = scene
    server.answer({ body: { keys: [forge.rsa.jwk, forge.rsa.jwk] } })
    expect(await verdict(forge.token({}, { kid: undefined }))).toBe('user-1')
  })
})

describe('the memory of verified tokens', () => {
  test('lasts no longer than the keys', async () => {
    await using scene = await createScene({ cacheMs: 60_000, staleKeysMs: 0 })
    const { forge, server, verdict, world } = scene
    await verdict()
    server.answer({ status: 503 })
    world.pass(10 * MINUTE - 1)
    const token = forge.token()
    expect(await verdict(token)).toBe('user-1')
    world.pass(1)
    expect(await verdict(token)).toBe('unavailable')
  })
})

describe('a key set that changes', () => {
  test('empties the memory of verified tokens', async () => {
    await using scene = await createScene({ cacheMs: 60_000 })
    const { forge, server, world, verdict } = scene
    const token = forge.token()
    await verdict(token)
    world.pass(30_000)
    expect(await verdict(token)).toBe('user-1')
    const rotated = rsaSigner('rsa-2')
    server.answer({ body: { keys: [rotated.jwk] } })
    expect(await verdict(token)).toBe('user-1') // remembered: nobody knows of the change yet
    expect(await verdict(forge.token({}, {}, rotated))).toBe('user-1')
    expect(await verdict(token)).toBe('token_invalid')
  })

  test('leaves it alone where only order, names and bytes differ', async () => {
    await using scene = await createScene({ cacheMs: 60_000 })
    const { forge, server, world, verdict } = scene
    const token = forge.token()
    await verdict(token)
    world.pass(30_000)
    server.answer({ body: { keys: [forge.ec.jwk, { ...forge.rsa.jwk, kid: 'renamed' }] } })
    expect(await verdict(forge.token({}, { kid: 'renamed' }))).toBe('user-1')
    expect(await verdict(token)).toBe('user-1') // remembered, though its kid is known no more
    world.pass(30_000)
    expect(await verdict(token)).toBe('token_invalid')
  })
})
