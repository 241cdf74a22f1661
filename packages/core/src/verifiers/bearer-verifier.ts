import * as check from '../check-options.ts'
import type { TokenVerifier } from '../ports.ts'
import { refuse } from '../refusals.ts'
import { tokenFault } from './token-fault.ts'

/** The verifiers for the two kinds of token. */
export interface BearerVerifierOptions {
  /** Verifies the tokens that look like a JWT. Usually made by `createJwtVerifier`. */
  readonly jwt: TokenVerifier
  /** Verifies all other tokens. Usually made by `createIntrospectionVerifier`. */
  readonly opaque: TokenVerifier
}

/**
 * Passes each token to one of two verifiers. A token counts as a JWT if one of its parts between dots begins with `eyJ`, or
 * if it has two dots and its first part decodes to a string that begins with `{`. Even a malformed JWT never reaches the
 * verifier of opaque tokens, so a caller cannot avoid the local checks by damaging a JWT. Any other Bearer token (RFC 6750
 * §2.1) of at least 16 characters is opaque, with or without dots. All other tokens get `refuse('token_invalid')`.
 *
 * It reports the troubles of both verifiers. It is ready when both are.
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

/**
 * In base64url, `{"` and a letter begin with `eyJ`. `{` and any other character begin with `e` and one of `w` to `z`, a
 * digit, `-` or `_`.
 */
const JWT = /(?:^|\.)eyJ|^e[w-z\d_-][^.]*\.[^.]*\./
const OPAQUE = /^(?=.{16})[\w.~+/-]+=*$/

const refuseToken = async (): Promise<never> =>
  refuse('token_invalid', {
    cause: tokenFault('it is neither a JWT nor a Bearer token of at least 16 characters (RFC 6750 §2.1)'),
  })
