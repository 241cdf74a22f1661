import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { TokenVerifier } from '../../src/ports.ts'
import { createBearerVerifier } from '../../src/verifiers/bearer-verifier.ts'
import { createIntrospectionVerifierIn } from '../../src/verifiers/introspection-verifier.ts'
import { createJwtVerifierIn } from '../../src/verifiers/jwt-verifier.ts'
import {
  asJwt,
  asJwtForTwo,
  opaque,
  type OpenIdProvider,
  scope,
  startOpenIdProvider,
} from './openid-provider.ts'
import { createTestWorld, type TestWorld } from './runtime.ts'
import { causeOf, verdictOf } from './verdict.ts'

const { signal } = new AbortController()

/** The verifiers, which know the issuer's name and discover the rest. */
function verifierOf(provider: OpenIdProvider, world: TestWorld, audience: readonly string[]): TokenVerifier {
  const { issuer, clientId, clientSecret } = provider
  return createBearerVerifier({
    jwt: createJwtVerifierIn(world, { issuer, audience, type: 'at+jwt' }),
    opaque: createIntrospectionVerifierIn(world, { issuer, audience, clientId, clientSecret }),
  })
}

describe('a real OpenID provider', () => {
  let provider: OpenIdProvider
  let world: TestWorld
  let verifier: TokenVerifier
  beforeAll(async () => {
    provider = await startOpenIdProvider({ org: 'acme' })
    world = createTestWorld(Date.now())
    verifier = verifierOf(provider, world, [asJwt, opaque])
  })
  afterAll(() => provider[Symbol.asyncDispose]())
  const verdict = (token: string): Promise<string> => verdictOf(verifier.verify(token, signal))

  test('is discovered, and ready', async () => {
    expect(await verifier.ready?.(signal)).toBeUndefined()
    expect(provider.requests.toSorted()).toEqual([
      'GET /.well-known/openid-configuration',
      'GET /.well-known/openid-configuration',
      'GET /jwks',
    ])
  })

  test.each([
    ['a JWT', asJwt, /^eyJ/],
    ['an opaque token', opaque, /^[\w-]{40,}$/],
  ])('gives %s that proves its client', async (_, resource, form) => {
    const token = await provider.token(resource)
    expect(token).toMatch(form)
    expect(await verifier.verify(token, signal)).toMatchObject({
      issuer: provider.issuer,
      subject: provider.clientId,
      organizations: ['acme'],
      capabilities: [scope],
      claims: { aud: resource },
    })
  })

  test('gives JWTs for several audiences, of which one must be ours', async () => {
    const token = await provider.token(asJwtForTwo)
    expect((await verifier.verify(token, signal)).claims['aud']).toEqual(['https://other.example', asJwt])
    const { verify } = verifierOf(provider, world, ['https://third.example'])
    expect(await causeOf(verify(token, signal))).toMatch(/^"aud" is \["https:\/\/other.example",/)
  })

  test.each([
    ['a JWT', `${asJwt}/other`],
    ['an opaque token', 'https://exports.example/other'],
  ])('gives %s for another service, which is refused', async (_, resource) => {
    const { verify } = verifier
    const token = await provider.token(resource)
    expect(await causeOf(verify(token, signal))).toMatch(`"aud" is "${resource}"`)
  })

  test('revokes an opaque token, which ends when the answer is forgotten', async () => {
    const token = await provider.token(opaque)
    expect(await verdict(token)).toBe(provider.clientId)
    await provider.revoke(token)
    expect(await verdict(token)).toBe(provider.clientId)
    world.pass(30_000)
    expect(await verdict(token)).toBe('token_invalid')
  })

  test('knows no made-up token', async () => {
    expect(await verdict('made-up-token-of-more-than-16-characters')).toBe('token_invalid')
  })

  test('rotates its key: new tokens at once, old ones until their key is taken away', async () => {
    const [old, kept] = [await provider.token(asJwt), await provider.token(opaque)]
    expect(await verdict(old)).toBe(provider.clientId)
    await provider.rotate('second', ['first'])
    world.pass(30_000) // it may be asked again, after the answer that readiness got
    const fetched = provider.requests.filter((request) => request === 'GET /jwks').length
    expect(await verdict(await provider.token(asJwt))).toBe(provider.clientId)
    expect(provider.requests.filter((request) => request === 'GET /jwks').length).toBe(fetched + 1)
    expect(await verdict(old)).toBe(provider.clientId)

    await provider.rotate('third', [])
    world.pass(30_000)
    expect(await verdict(await provider.token(asJwt))).toBe(provider.clientId)
    expect(await verdict(old)).toBe('token_invalid')
    expect(await verdict(kept)).toBe(provider.clientId) // opaque tokens have no key
  })

  test('serves two issuers at once, each with keys of its own', async () => {
    await using other = await startOpenIdProvider({ org: 'globex' })
    const both = createJwtVerifierIn(createTestWorld(Date.now()), {
      issuer: [provider.issuer, other.issuer],
      audience: asJwt,
      type: 'at+jwt',
    })
    const [one, two] = [await provider.token(asJwt), await other.token(asJwt)]
    expect(await both.verify(one, signal)).toMatchObject({ issuer: provider.issuer, organizations: ['acme'] })
    expect(await both.verify(two, signal)).toMatchObject({ issuer: other.issuer, organizations: ['globex'] })
    expect(await verdict(two)).toBe('token_invalid')
  })
})
