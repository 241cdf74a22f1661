import type { Claims, Principal, TokenVerifier } from '../ports.ts'
import { refusalDetail, refuse } from '../refusals.ts'
import { isRecord } from './check-verifier-options.ts'
import { fetchJson } from './fetch-json.ts'
import { endOfAnswer, findAnswerFault, nameOf } from './introspection-claims.ts'
import {
  checkIntrospectionOptions,
  type IntrospectionSettings,
  type IntrospectionVerifierOptions,
} from './introspection-options.ts'
import { createPrincipal } from './principal.ts'
import { defaultRuntime, type Runtime } from './runtime.ts'
import { type SingleFlight, reasonOf, startSingleFlight } from './single-flight.ts'
import { createTokenCache, digestOf, LONGEST_TOKEN } from './token-cache.ts'
import { TokenFault } from './token-faults.ts'

/**
 * Verifies opaque tokens by asking their authorization server (RFC 7662). A token that is not active, not for us, not a
 * Bearer access token or bound to a key (`cnf`) is `refuse('token_invalid')`. A server that does not answer in 5 s, or
 * not with 200 and JSON, is `refuse('unavailable')`: also where it answers 401 or 403, for then our own credentials are
 * wrong. At most 32 questions are open at a time; beyond, `refuse('unavailable')`.
 *
 * A principal's `issuer` is the configured one, its `subject` the answer's `sub`, or `client_id` where it has none.
 *
 * @throws TypeError at creation, naming the first wrong option
 * @example
 * createIntrospectionVerifier({
 *   endpoint: new URL('https://login.example.com/introspect'),
 *   clientId: 'exports',
 *   clientSecret,
 *   issuer: 'https://login.example.com',
 *   audience: 'exports',
 * })
 */
export function createIntrospectionVerifier(options: IntrospectionVerifierOptions): TokenVerifier {
  return createIntrospectionVerifierIn(defaultRuntime, options)
}

/** {@link createIntrospectionVerifier} with the caller's clock, chance and deadline. */
export function createIntrospectionVerifierIn(
  runtime: Runtime,
  options: IntrospectionVerifierOptions,
): TokenVerifier {
  const settings = checkIntrospectionOptions(options)
  const { now, random, deadlineMs, mostTokens } = runtime
  const active = createTokenCache<Promise<Principal>>(mostTokens)
  const inactive = createTokenCache<TokenFault>(mostTokens) // apart, so that made-up tokens displace no good one
  const flights = new Map<string, SingleFlight<Principal>>()
  const pauseMs = (): number => Math.ceil(1_000 * (1 + random()))

  const ask = async (token: string, digest: string, signal: AbortSignal): Promise<Principal> => {
    const asked = now()
    const answer = await introspect(token, settings, signal)
    const fault = findAnswerFault(answer, settings, now())
    if (fault !== undefined) {
      const cause = new TokenFault(fault)
      inactive.set(digest, cause, asked, asked + settings.cacheMs / 6)
      return refuse('token_invalid', { cause })
    }
    const principal = createPrincipal(settings.issuer, nameOf(answer) ?? '', answer, settings.readClaims)
    active.set(
      digest,
      Promise.resolve(principal),
      asked,
      Math.min(asked + settings.cacheMs, endOfAnswer(answer)),
    )
    return principal
  }
  const startAsking = (token: string, digest: string): SingleFlight<Principal> => {
    if (flights.size >= MOST_FLIGHTS) {
      return refuse('unavailable', {
        retryAfterMs: pauseMs(),
        cause: new Error(`${MOST_FLIGHTS} introspections are open`),
      })
    }
    const errand = (signal: AbortSignal): Promise<Principal> => ask(token, digest, signal)
    const flight = startSingleFlight(errand, deadlineMs, () => void flights.delete(digest))
    flights.set(digest, flight)
    return flight
  }
  const verifyAnew = async (token: string, digest: string, signal: AbortSignal): Promise<Principal> => {
    const fault = inactive.get(digest, now())
    if (fault) refuse('token_invalid', { cause: fault })
    const flight = flights.get(digest) ?? startAsking(token, digest)
    try {
      return await flight.join(signal)
    } catch (cause) {
      if (signal.aborted) throw reasonOf(signal)
      if (refusalDetail(cause)) throw cause
      return refuse('unavailable', { retryAfterMs: pauseMs(), cause })
    }
  }
  return {
    verify(token, signal) {
      if (token.length > LONGEST_TOKEN) return refuseLong()
      const digest = digestOf(token)
      return active.get(digest, now()) ?? verifyAnew(token, digest, signal)
    },
  }
}

const MOST_FLIGHTS = 32
const MOST_BYTES = 65_536

async function introspect(
  token: string,
  settings: IntrospectionSettings,
  signal: AbortSignal,
): Promise<Claims> {
  const { endpoint, clientId, clientSecret } = settings
  const credentials = Buffer.from(`${formEncode(clientId)}:${formEncode(clientSecret)}`).toString('base64')
  const answer = await fetchJson(
    {
      url: endpoint,
      method: 'POST',
      headers: {
        accept: 'application/json',
        authorization: `Basic ${credentials}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: `token=${formEncode(token)}&token_type_hint=access_token`,
      maxBytes: MOST_BYTES,
    },
    signal,
  )
  if (!isRecord(answer)) throw new Error('the answer is no JSON object')
  return answer
}

/** Also id and secret are encoded so, before they are Basic credentials (RFC 6749 §2.3.1). */
const formEncode = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)

const refuseLong = async (): Promise<never> =>
  refuse('token_invalid', { cause: new TokenFault(`it is longer than ${LONGEST_TOKEN} characters`) })
