import { describe, expect, test } from 'vitest'

import { createBearerVerifier } from '../../src/verifiers/bearer-verifier.ts'
import { createIntrospectionVerifier } from '../../src/verifiers/introspection-verifier.ts'
import { createJwtVerifier } from '../../src/verifiers/jwt-verifier.ts'
import { createForge, forgeAttacks } from './forge.ts'
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
