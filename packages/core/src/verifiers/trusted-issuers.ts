import { decodeJwt } from 'jose'
import { LRUCache } from 'lru-cache'

import { kindOf } from '../check-options.ts'
import { because, refusalCause, refuse } from '../refusals.ts'
import { isDiscoverable } from './discovery.ts'
import type { JwtSettings } from './jwt-options.ts'
import type { KeySource } from './key-source.ts'
import type { Runtime } from './runtime.ts'
import { quoted, tokenFault } from './token-fault.ts'
import type { ReportTrouble } from './trouble.ts'

/** A trusted issuer. Only the keys of its `source` may verify its tokens. */
export interface TrustedIssuer {
  readonly issuer: string
  readonly source: KeySource
  /** The verifier calls it when it has verified a token of this issuer. */
  readonly proved: () => void
}

/** The trusted issuers. */
export interface TrustedIssuers {
  /**
   * Finds the issuer of a token. If several issuers are trusted, the token's unverified `iss` selects one. No request
   * is sent.
   *
   * @throws TokenFault if the issuer is not trusted; a refusal `'unavailable'` if too many new issuers were looked up
   */
  readonly of: (token: string) => TrustedIssuer
  /**
   * Resolves when the keys of at least one issuer are known. Resolves at once if a function selects the issuers. Rejects
   * with the cause if no keys can be fetched.
   */
  readonly ready: (signal: AbortSignal) => Promise<void>
}

/** Options of {@link createTrustedIssuers}. */
export interface TrustedIssuersOptions {
  readonly createSource: (issuer: string, changed: () => void, report: ReportTrouble) => KeySource
  /** Called when the keys of an issuer are replaced. With a function as `issuer`, only if it has had a verified token. */
  readonly changed: () => void
  readonly report: ReportTrouble
  readonly runtime: Runtime
}

export function createTrustedIssuers(
  issuer: JwtSettings['issuer'],
  options: TrustedIssuersOptions,
): TrustedIssuers {
  if (typeof issuer === 'function') return chosenIssuers(issuer, options)
  return typeof issuer === 'string' ? oneIssuer(issuer, options) : listedIssuers(issuer, options)
}

const ignore = (): void => undefined

function oneIssuer(
  issuer: string,
  { createSource, changed, report, runtime }: TrustedIssuersOptions,
): TrustedIssuers {
  const one = { issuer, source: createSource(issuer, changed, report), proved: ignore }
  return { of: () => one, ready: (signal) => keysAreKnown(one, runtime, signal) }
}

function listedIssuers(issuers: readonly string[], options: TrustedIssuersOptions): TrustedIssuers {
  const { createSource, changed, report, runtime } = options
  const listed = new Map(
    issuers.map((issuer) => {
      const source = createSource(issuer, changed, reportFor(issuer, report))
      return [issuer, { issuer, source, proved: ignore }]
    }),
  )
  return {
    of(token) {
      const issuer = readIssuer(token)
      const one = listed.get(issuer)
      if (!one) throw tokenFault(`"iss" is ${quoted(issuer)}, not one of ${quoted(issuers)}`)
      return one
    },
    async ready(signal) {
      await Promise.any([...listed.values()].map((one) => keysAreKnown(one, runtime, signal)))
    },
  }
}

/** How many issuers that have had a verified token are kept. The least recently used issuer is evicted first. */
const MOST_PROVED = 1_000
/**
 * How many issuers without a verified token are kept. The least recently used issuer is evicted first. They have a cache of
 * their own, so that invented issuers cannot evict issuers that have had a verified token.
 */
const MOST_UNPROVED = 100

/**
 * The issuers that the host's function trusts. The function may trust names that anybody can invent, and each new issuer
 * costs requests. So a new issuer takes one of 100 turns. The turn is given back when a token of that issuer is verified.
 * One more turn is given back each second.
 */
function chosenIssuers(
  isTrusted: (issuer: string) => boolean,
  { createSource, changed, report, runtime }: TrustedIssuersOptions,
): TrustedIssuers {
  const proved = new LRUCache<string, TrustedIssuer>({ max: MOST_PROVED })
  const unproved = new LRUCache<string, TrustedIssuer>({ max: MOST_UNPROVED })
  const turns = createTurns(runtime)

  const add = (issuer: string): TrustedIssuer => {
    turns.take()
    const changedHere = (): void => {
      if (proved.has(issuer)) changed()
    }
    const added: TrustedIssuer = {
      issuer,
      source: createSource(issuer, changedHere, reportFor(issuer, report)),
      proved() {
        if (proved.has(issuer)) return
        proved.set(issuer, added)
        unproved.delete(issuer)
        turns.giveBack()
      },
    }
    unproved.set(issuer, added)
    return added
  }
  return {
    of(token) {
      const issuer = readIssuer(token)
      if (!isDiscoverable(issuer))
        throw tokenFault(`"iss" is ${quoted(issuer)}, no https URL to discover keys from`)
      const verdict: unknown = isTrusted(issuer)
      if (typeof verdict !== 'boolean')
        throw new TypeError(`the option issuer gave ${kindOf(verdict)}, no boolean`)
      if (!verdict) throw tokenFault(`"iss" is ${quoted(issuer)}, which the option issuer does not trust`)
      return proved.get(issuer) ?? unproved.get(issuer) ?? add(issuer)
    },
    ready: async () => undefined,
  }
}

const TURN_MS = 1_000

function createTurns({ now }: Runtime): { readonly take: () => void; readonly giveBack: () => void } {
  let [left, at] = [MOST_UNPROVED, now()]
  const add = (turns: number): void => {
    left = Math.min(MOST_UNPROVED, left + turns)
  }
  return {
    take() {
      add(Math.max(0, now() - at) / TURN_MS)
      at = now()
      if (left < 1)
        refuse('unavailable', {
          retryAfterMs: Math.ceil((1 - left) * TURN_MS),
          cause: because('too many issuers without a verified token were looked up'),
        })
      left -= 1
    },
    giveBack: () => add(1),
  }
}

/** Reports troubles with the name of the issuer. It is used if several issuers are trusted. */
const reportFor =
  (issuer: string, report: ReportTrouble): ReportTrouble =>
  (code, cause) =>
    report(code, new Error(`of the issuer ${quoted(issuer)}`, { cause }))

function readIssuer(token: string): string {
  const issuer = unverifiedIssuer(token)
  if (typeof issuer !== 'string') throw tokenFault(`"iss" is ${quoted(issuer)}, no text`)
  return issuer
}

function unverifiedIssuer(token: string): unknown {
  try {
    return decodeJwt(token).iss
  } catch {
    throw tokenFault('its payload is no JSON object')
  }
}

async function keysAreKnown({ source }: TrustedIssuer, { now }: Runtime, signal: AbortSignal): Promise<void> {
  const { keys } = await knownKeys(source, signal)
  if (!keys.some(({ until }) => now() < until)) throw new Error('no key of the issuer can verify')
}

async function knownKeys(
  source: KeySource,
  signal: AbortSignal,
): Promise<Awaited<ReturnType<KeySource['keys']>>> {
  try {
    return await source.keys(signal)
  } catch (error) {
    throw refusalCause(error)
  }
}
