import type { TokenVerifier } from '@sallyport/core'
import { createBearerVerifier, createIntrospectionVerifier, createJwtVerifier } from '@sallyport/core'

import type { Identity } from './environment.ts'

/** A JWT is verified with its issuer's keys, any other token by asking its issuer. */
export function createVerifier({ issuer, audience, jwks, introspection }: Identity): TokenVerifier {
  const jwt = jwks && createJwtVerifier({ issuer, audience, jwks, type: 'at+jwt' })
  const opaque = introspection && createIntrospectionVerifier({ issuer, audience, ...introspection })
  if (jwt && opaque) return createBearerVerifier({ jwt, opaque })
  const only = jwt ?? opaque
  if (!only) throw new Error('there is nobody to verify tokens')
  return only
}
