import { readBearer } from '../http/bearer.ts'
import type { Principal } from '../ports.ts'
import { refusal, withoutStack } from '../refusals.ts'

/**
 * The value of `Authorization` → the principal that the token proves (RFC 6750 §2.1).
 *
 * Refuses `token_missing` where there are no bearer credentials and `token_invalid` where they are malformed or sent
 * twice: both are thrown at once, for a rejection costs more and this is where most are turned away. What `verify` refuses
 * with passes through.
 */
export function authenticate(
  authorization: string | undefined,
  verify: (token: string) => Promise<Principal>,
): Promise<Principal> {
  const credentials = readBearer(authorization)
  switch (credentials.kind) {
    case 'none':
      throw refusal({ kind: 'token_missing' })
    case 'repeated':
      throw refusal(
        { kind: 'token_invalid', challenge: 'invalid_request' },
        cause('the Authorization field holds a comma: it was sent twice, or is malformed'),
      )
    case 'malformed':
      throw refusal({ kind: 'token_invalid' }, cause(credentials.fault))
    case 'token':
      return verify(credentials.token)
  }
}

/** For the event. It holds nothing of the token. */
const cause = (text: string): Error => withoutStack(() => new Error(text))
