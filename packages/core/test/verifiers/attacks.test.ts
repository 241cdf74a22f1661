import { describe, expect, test } from 'vitest'

import type { Claims } from '../../src/ports.ts'
import { createBearerVerifier } from '../../src/verifiers/bearer-verifier.ts'
import { createIntrospectionVerifier } from '../../src/verifiers/introspection-verifier.ts'
import type { JwtVerifierOptions } from '../../src/verifiers/jwt-options.ts'
import { createJwtVerifier, createJwtVerifierIn } from '../../src/verifiers/jwt-verifier.ts'
import { defaultRuntime } from '../../src/verifiers/runtime.ts'
import { type Attack, audienceAttacks, createForge, forgeAttacks, issuerAttacks } from './forge.ts'
import { issuersOnline } from './issuers-online.ts'
import { serve } from './serve.ts'
import { verdictOf } from './verdict.ts'

const forge = createForge()
const elsewhere = 'http://127.0.0.1:9/'

describe('a spoilt token', () => {
  test.each(forgeAttacks(forge, elsewhere))('$name', async ({ spoilt, sound, keyFetches }) => {
    await using keys = await serve({ body: forge.jwks })
    await using introspection = await serve({
      body: { active: true, sub: 'leak', iss: forge.issuer, aud: forge.audience },
    })
    const { issuer, audience } = forge
    const { verify } = createBearerVerifier({
      jwt: createJwtVerifier({ issuer, audience, jwks: keys.url, type: 'at+jwt' }),
      opaque: createIntrospectionVerifier({
        issuer,
        audience,
        endpoint: introspection.url,
        clientId: 'us',
        clientSecret: 'ours',
      }),
    })
    const { signal } = new AbortController()

    expect(await verdictOf(verify(spoilt, signal))).toBe('token_invalid')
    expect({ keyFetches: keys.requests.length, introspections: introspection.requests.length }).toEqual({
      keyFetches,
      introspections: 0,
    })

    expect(await verdictOf(verify(sound, signal))).toBe('user-1')
    expect(await verdictOf(verify(spoilt, signal))).toBe('token_invalid')
    expect(keys.requests.length).toBe(1)
  })
})

test('an address that a token names is never asked', async () => {
  await using attacker = await serve({ body: {} })
  const { issuer, audience, jwks } = forge
  const { verify } = createJwtVerifier({ issuer, audience, jwks, type: 'at+jwt' })
  const { signal } = new AbortController()
  const naming = forgeAttacks(forge, attacker.url.href).filter(({ name }) => name.includes('elsewhere'))
  expect(naming).toHaveLength(3)
  for (const { spoilt } of naming) expect(await verdictOf(verify(spoilt, signal))).toBe('token_invalid')
  expect(attacker.requests).toEqual([])
})

const other = createForge(Date.now, { iss: 'https://other.example' })
const bare = createForge(Date.now, { aud: undefined, for: 'exports' })
const trusted: readonly string[] = [forge.issuer, other.issuer]
const withAudience = { audience: forge.audience, type: 'at+jwt' } as const
const forExports = { audience: 'none', accept: ({ for: service }: Claims) => service === 'exports' } as const

describe.each<[string, JwtVerifierOptions, readonly Attack[]]>([
  [
    'a list of issuers',
    { issuer: trusted, ...withAudience },
    [...forgeAttacks(forge, elsewhere), ...issuerAttacks(forge, other)],
  ],
  [
    'a function that trusts issuers',
    { issuer: (name) => trusted.includes(name), ...withAudience },
    [...forgeAttacks(forge, elsewhere), ...issuerAttacks(forge, other)],
  ],
  [
    "audience: 'none'",
    { issuer: bare.issuer, type: 'at+jwt', ...forExports },
    [
      ...forgeAttacks(bare, elsewhere).filter(
        ({ name }) => name !== 'aud missing' && name !== 'aud an empty array',
      ),
      ...audienceAttacks(bare),
    ],
  ],
])('with %s, a spoilt token', (_, options, attacks) => {
  const online = issuersOnline(options.audience === 'none' ? [bare] : [forge, other])

  test.each(attacks)('$name', async ({ spoilt, sound, keyFetches }) => {
    online.asked.length = 0
    const { verify } = createJwtVerifierIn(defaultRuntime, { ...options, fetch: online.fetch })
    const { signal } = new AbortController()
    expect(await verdictOf(verify(spoilt, signal))).toBe('token_invalid')
    expect(online.asked.filter((url) => url.endsWith('/keys')).length).toBeLessThanOrEqual(keyFetches)
    expect(await verdictOf(verify(sound, signal))).toBe('user-1')
    expect(await verdictOf(verify(spoilt, signal))).toBe('token_invalid')
  })
})

test('no trusted issuer but the one of the token is asked, and none for a made-up one', async () => {
  const online = issuersOnline([forge, other])
  const { verify } = createJwtVerifierIn(defaultRuntime, {
    issuer: trusted,
    ...withAudience,
    fetch: online.fetch,
  })
  const { signal } = new AbortController()
  expect(await verdictOf(verify(forge.token({ iss: 'https://attacker.example' }), signal))).toBe(
    'token_invalid',
  )
  expect(online.asked).toEqual([])
  expect(await verdictOf(verify(other.token(), signal))).toBe('user-1')
  expect(online.asked).toEqual([`${other.issuer}/.well-known/openid-configuration`, `${other.issuer}/keys`])
})
