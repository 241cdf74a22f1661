import * as check from '../check-options.ts'
import type { TokenVerifier } from '../ports.ts'
import { refuse } from '../refusals.ts'
import { tokenFault } from './token-fault.ts'

/** The verifiers for the two kinds of token. */
export interface BearerVerifierOptions {
  /** For tokens that look like a JWT, such as `createJwtVerifier` gives. */
  readonly jwt: TokenVerifier
  /** For all others, such as `createIntrospectionVerifier` gives. */
  readonly opaque: TokenVerifier
}

/**
 * Sends a token to one of two verifiers, by its shape. A token is a JWT if one of its parts between dots begins `eyJ`, or if it
 * has two dots and its first part decodes to a text that begins `{`. Whatever else is wrong with it, it never reaches the
 * verifier of opaque tokens, so the local checks cannot be dodged by spoiling a JWT. Any other Bearer token (RFC 6750 §2.1) of
 * at least 16 characters is opaque, with dots or without. The rest is `refuse('token_invalid')`.
 *
 * Reports the troubles of both verifiers, and is ready when both are.
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

/** `eyJ` is `{"` and a letter in base64url. `e` and one of `w` to `z`, a digit, `-` or `_` is `{` and anything. */
const JWT = /(?:^|\.)eyJ|^e[w-z\d_-][^.]*\.[^.]*\./
const OPAQUE = /^(?=.{16})[\w.~+/-]+=*$/

const refuseToken = async (): Promise<never> =>
  refuse('token_invalid', {
    cause: tokenFault('it is neither a JWT nor a Bearer token of at least 16 characters (RFC 6750 §2.1)'),
  })
