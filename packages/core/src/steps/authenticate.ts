import { readBearer } from '../http/bearer.ts'
import type { Principal } from '../ports.ts'
import { because, refusal } from '../refusals.ts'

/**
 * Authenticates the caller: reads the bearer token from the value of `Authorization` (RFC 6750 §2.1) and verifies it.
 *
 * Refuses `token_missing` if there are no bearer credentials, and `token_invalid` if they are malformed or sent twice. Both
 * are thrown synchronously instead of returning a rejected promise: that is cheaper, and most refused requests end here.
 * Refusals of `verify` pass through.
 */
export function authenticate(
  authorization: string | undefined,
  verify: (token: string) => Promise<Principal>,
): Promise<Principal> {
  const credentials = readBearer(authorization)
  switch (credentials.kind) {
    case 'none':
      throw refusal({ kind: 'token_missing' }, because(missing(authorization)))
    case 'repeated':
      throw refusal(
        { kind: 'token_invalid', challenge: 'invalid_request' },
        because('the Authorization field holds a comma: it was sent twice, or is malformed'),
      )
    case 'malformed':
      throw refusal({ kind: 'token_invalid' }, because(credentials.fault))
    case 'token':
      return verify(credentials.token)
  }
}

/** Does not show the value of the field, because a client may have sent a token without a scheme. */
const missing = (authorization: string | undefined): string =>
  authorization === undefined
    ? 'the request has no Authorization field'
    : 'the Authorization field has no Bearer credentials: it is of another scheme, or empty'
