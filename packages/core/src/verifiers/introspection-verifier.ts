import { LRUCache } from 'lru-cache'

import { addressPrefixes } from '../http/address-prefix.ts'
import type { Caller, Claims, Principal, TokenVerifier } from '../ports.ts'
import { refusalCause, refusalDetail, refuse } from '../refusals.ts'
import { abortable, withDeadline } from '../waiting.ts'
import { endOfAnswer, findAnswerFault, subjectOf } from './claims.ts'
import { discover } from './discovery.ts'
import { createFairSemaphore } from './fair-semaphore.ts'
import { fetchJson, isJsonObject } from './fetch-json.ts'
import {
  checkIntrospectionOptions,
  type IntrospectionSettings,
  type IntrospectionVerifierOptions,
} from './introspection-options.ts'
import type { AcceptRule, Audience } from './option-checks.ts'
import { createPrincipal } from './principal.ts'
import { createRefreshed } from './refreshed.ts'
import { defaultRuntime, type Runtime } from './runtime.ts'
import { createSingleFlight } from './single-flight.ts'
import { createTokenCache, digestOf } from './token-cache.ts'
import { type TokenFault, tokenFault } from './token-fault.ts'

/**
 * Verifies opaque tokens by asking their authorization server (RFC 7662). A token gets `refuse('token_invalid')` if it is
 * not active, not for this service, not a Bearer access token, or bound to a key (`cnf`). It gets `refuse('unavailable')`
 * if the server does not answer within 5 s, or answers with anything but 200 and JSON. That includes 401 and 403, which
 * mean that the client credentials of this service are wrong.
 *
 * The verifier sends at most 32 requests at a time for tokens that it does not know, and at most 16 of them for one client
 * address (IPv6: one /56 network). Further tokens wait, and the addresses are served in turn. If 256 tokens of an address
 * wait, its next token gets `refuse('unavailable')`. If 1,024 tokens wait in all, a token of the address with the most
 * waiting tokens gets it. The verifier has 32 more requests for tokens that were active in their last answer, so a flood of
 * invented tokens does not delay them.
 *
 * Without `endpoint`, the verifier finds it in the issuer's metadata, and `ready` resolves when it is known.
 *
 * The principal's `issuer` is the option `issuer`. The principal's `subject` is the answer's `sub`. If the answer has no
 * `sub`, the subject is its `client_id`, and if it has neither, its `azp`.
 *
 * @throws TypeError at creation, naming each wrong option
 * @example
 * createIntrospectionVerifier({
 *   endpoint: new URL('https://login.example.com/introspect'),
 *   clientId: 'exports',
 *   clientSecret,
 *   issuer: 'https://login.example.com',
 *   audience: 'exports',
 * })
 */
export function createIntrospectionVerifier<const A extends Audience>(
  options: IntrospectionVerifierOptions & AcceptRule<A>,
): TokenVerifier {
  return createIntrospectionVerifierIn(defaultRuntime, options)
}

/** {@link createIntrospectionVerifier} with the caller's clock, random source and limits. */
export function createIntrospectionVerifierIn(
  runtime: Runtime,
  options: IntrospectionVerifierOptions,
): TokenVerifier {
  const settings = checkIntrospectionOptions(options)
  const { maxTokenLength } = settings
  const { now, random, deadlineMs, mostTokens, mostBytes } = runtime
  const findEndpoint = endpointSource(settings, runtime)
  const active = createTokenCache<Promise<Principal>>(mostTokens, mostBytes)
  const inactive = createTokenCache<TokenFault>(mostTokens, mostBytes) // invented tokens must not evict active ones
  const lastActive = new LRUCache<string, true>({ max: mostTokens })
  const [slotsOfKnown, slotsOfUnknown] = [createFairSemaphore(SLOTS), createFairSemaphore(SLOTS)]
  const questions = createSingleFlight<Principal>()
  const pauseMs = (): number => Math.ceil(1_000 * (1 + random()))

  const ask = async (token: string, digest: string, signal: AbortSignal): Promise<Principal> => {
    const asked = now()
    const { answer, bytes } = await introspect(await findEndpoint(signal), token, settings, signal)
    const fault = findAnswerFault(answer, settings, now())
    if (fault !== undefined) {
      lastActive.delete(digest)
      const cause = tokenFault(fault)
      inactive.set(digest, cause, { since: asked, until: asked + settings.cacheMs / 6, bytes: 0 })
      return refuse('token_invalid', { cause })
    }
    lastActive.set(digest, true)
    const principal = createPrincipal(
      settings.issuer,
      subjectOf(answer, settings) ?? '',
      answer,
      settings.readClaims,
    )
    const until = Math.min(asked + settings.cacheMs, endOfAnswer(answer))
    active.set(digest, Promise.resolve(principal), { since: asked, until, bytes })
    return principal
  }
  const askInTurn = async (
    token: string,
    digest: string,
    address: string,
    signal: AbortSignal,
  ): Promise<Principal> => {
    const slots = lastActive.has(digest) ? slotsOfKnown : slotsOfUnknown
    const release = await slots.acquire(address, signal)
    try {
      return await ask(token, digest, signal)
    } finally {
      release()
    }
  }
  const verifyAnew = async (
    token: string,
    digest: string,
    signal: AbortSignal,
    { address = '' }: Caller,
  ): Promise<Principal> => {
    const fault = inactive.get(digest, now())
    if (fault) refuse('token_invalid', { cause: fault })
    const turn = (own: AbortSignal): Promise<Principal> =>
      askInTurn(token, digest, addressPrefixes(address)[0], own)
    const question = questions.run(digest, () => withDeadline(turn, { ms: deadlineMs }))
    try {
      return await abortable(question, signal)
    } catch (cause) {
      if (signal.aborted || refusalDetail(cause)) throw cause
      return refuse('unavailable', { retryAfterMs: pauseMs(), cause })
    }
  }
  return {
    async ready(signal) {
      try {
        await findEndpoint(signal)
      } catch (error) {
        throw refusalCause(error)
      }
    },
    verify(token, signal, caller = {}) {
      if (token.length > maxTokenLength) return refuseLong(token.length, maxTokenLength)
      const digest = digestOf(token)
      return active.get(digest, now()) ?? verifyAnew(token, digest, signal, caller)
    },
  }
}

const SLOTS = { held: 32, heldPerKey: 16, waiting: 1_024, waitingPerKey: 256 } as const
const MOST_BYTES = 65_536

/** Milliseconds for which an endpoint older than 10 minutes may be used while the metadata cannot be fetched. */
const STALE_ENDPOINT_MS = 900_000

/** Returns the configured endpoint, or the one in the issuer's metadata. */
function endpointSource(
  { endpoint, issuer, fetch }: IntrospectionSettings,
  runtime: Runtime,
): (signal: AbortSignal) => string | Promise<string> {
  if (endpoint !== undefined) return () => endpoint
  const { current } = createRefreshed<string>({
    load: (signal) => discover(issuer, 'introspection_endpoint', signal, fetch),
    identityOf: (url) => url,
    staleMs: STALE_ENDPOINT_MS,
    runtime,
  })
  return current
}

async function introspect(
  endpoint: string,
  token: string,
  settings: IntrospectionSettings,
  signal: AbortSignal,
): Promise<{ readonly answer: Claims; readonly bytes: number }> {
  const { clientId, clientSecret, fetch } = settings
  const credentials = Buffer.from(`${formEncode(clientId)}:${formEncode(clientSecret)}`).toString('base64')
  const { value: answer, bytes } = await fetchJson(
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
    fetch,
  )
  if (!isJsonObject(answer)) throw new Error('the answer is no JSON object')
  return { answer, bytes }
}

/** Encodes for a form. The client id and the secret are encoded in the same way in Basic credentials (RFC 6749 §2.3.1). */
const formEncode = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)

const refuseLong = async (length: number, most: number): Promise<never> =>
  refuse('token_invalid', {
    cause: tokenFault(`it has ${length} characters, more than maxTokenLength ${most}`),
  })
