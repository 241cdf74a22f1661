import * as check from '../check-options.ts'
import type { TokenVerifier } from '../ports.ts'
import { refuse } from '../refusals.ts'
import { tokenFault } from './token-fault.ts'

/** Who verifies which kind of token. */
export interface BearerVerifierOptions {
  /** For tokens that look like a JWT, such as `createJwtVerifier` gives. */
  readonly jwt: TokenVerifier
  /** For all others, such as `createIntrospectionVerifier` gives. */
  readonly opaque: TokenVerifier
}

/**
 * Sends a token to one of two verifiers. A token that begins `eyJ` or has two dots or more is a JWT, whatever else is
 * wrong with it, and never falls through: the local checks cannot be dodged by spoiling it. An opaque token has no dot
 * and 16 to 512 characters of a Bearer token (RFC 6750 §2.1); anything else is `refuse('token_invalid')`.
 *
 * Troubles of both are told.
 *
 * @throws TypeError at creation, naming each wrong option
 */
export function createBearerVerifier(options: BearerVerifierOptions): TokenVerifier {
  check.checkOptions('createBearerVerifier', options, optionsCheck)
  const { jwt, opaque } = options
  return {
    verify(token, signal, caller) {
      if (JWT.test(token)) return jwt.verify(token, signal, caller)
      return OPAQUE.test(token) ? opaque.verify(token, signal, caller) : refuseToken()
    },
    async ready(signal) {
      await Promise.all([jwt.ready?.(signal), opaque.ready?.(signal)])
    },
    onTrouble(listener) {
      jwt.onTrouble?.(listener)
      opaque.onTrouble?.(listener)
    },
  }
}

const verifierLike = (factory: string): check.OptionCheck<TokenVerifier> =>
  check.withMethods<TokenVerifier>(`a verifier, such as ${factory}({ … })`, 'verify')
const optionsCheck = check.object<BearerVerifierOptions>('{ jwt, opaque }', {
  jwt: verifierLike('createJwtVerifier'),
  opaque: verifierLike('createIntrospectionVerifier'),
})

const JWT = /^eyJ|\..*\./s
const OPAQUE = /^[\w~+/=-]{16,512}$/

const refuseToken = async (): Promise<never> =>
  refuse('token_invalid', {
    cause: tokenFault(
      'it is neither a JWT ("eyJ…", or two dots) nor opaque (16 to 512 characters without a dot)',
    ),
  })
