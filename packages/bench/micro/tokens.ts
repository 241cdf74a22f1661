import { createJwtVerifier } from '@sallyport/core'
import { createLocalJWKSet, jwtVerify } from 'jose'

import { capability } from '../src/settings.ts'
import type { Subject } from './measure.ts'
import { audience, createMicroTickets, type MicroScene } from './scene.ts'

/** A new token, a plain verification of the same token for comparison, a cached token, and tickets. */
export async function tokenSubjects(scene: MicroScene): Promise<readonly Subject[]> {
  const {
    issuer: { issuer, jwks },
    token,
  } = scene
  const { signal } = new AbortController()
  const options = { issuer, audience, jwks, type: 'at+jwt' } as const
  const cold = createJwtVerifier({ ...options, cacheMs: 0 })
  const known = createJwtVerifier(options)
  const keys = createLocalJWKSet({ keys: jwks.keys.map((key) => Object.assign({ kty: 'RSA' }, key)) })
  const rules = { issuer, audience, typ: 'at+jwt', algorithms: ['RS256'] }
  const tickets = createMicroTickets()
  const { principal, tenant, record } = scene
  const grant = { principal, tenant, exportId: record.id, version: 'v1', capability }
  const { text } = await tickets.seal(grant, Date.now())
  return [
    { title: 'token: never seen', call: () => cold.verify(token, signal) },
    { title: 'token: known', call: () => known.verify(token, signal) },
    { title: 'jose: jwtVerify', call: () => jwtVerify(token, keys, rules) },
    { title: 'ticket: opened', call: () => tickets.open(text, capability, Date.now()) },
    { title: 'ticket: sealed', call: () => tickets.seal(grant, Date.now()) },
  ]
}
