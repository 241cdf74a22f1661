import { createJwtVerifier } from '@sallyport/core'
import { createLocalJWKSet, jwtVerify } from 'jose'

import type { Subject } from './measure.ts'
import { audience, type MicroScene } from './scene.ts'

/** A new token, a plain verification of the same token for comparison, and a cached token. */
export function tokenSubjects({ issuer: { issuer, jwks }, token }: MicroScene): readonly Subject[] {
  const { signal } = new AbortController()
  const options = { issuer, audience, jwks, type: 'at+jwt' } as const
  const cold = createJwtVerifier({ ...options, cacheMs: 0 })
  const known = createJwtVerifier(options)
  const keys = createLocalJWKSet({ keys: jwks.keys.map((key) => ({ kty: 'RSA', ...key })) })
  const rules = { issuer, audience, typ: 'at+jwt', algorithms: ['RS256'] }
  return [
    { title: 'token: never seen', call: () => cold.verify(token, signal) },
    { title: 'token: known', call: () => known.verify(token, signal) },
    { title: 'jose: jwtVerify', call: () => jwtVerify(token, keys, rules) },
  ]
}
