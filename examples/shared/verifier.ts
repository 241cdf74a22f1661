import type { TokenVerifier } from '@sallyport/core'
import { createBearerVerifier, createIntrospectionVerifier, createJwtVerifier } from '@sallyport/core'

import type { Identity } from './environment.ts'

/** A JWT is verified with its issuer's keys, any other token by asking its issuer. Without keys the issuer is asked about all. */
export function createVerifier({ issuer, audience, jwks, introspection }: Identity): TokenVerifier {
  const keys = jwks instanceof URL ? { jwks } : {}
  const jwt = jwks && createJwtVerifier({ issuer, audience, type: 'at+jwt', ...keys })
  const opaque = introspection && createIntrospectionVerifier({ issuer, audience, ...introspection })
  if (jwt && opaque) return createBearerVerifier({ jwt, opaque })
  const only = jwt ?? opaque
  if (!only) throw new Error('there is nobody to verify tokens')
  return only
}
