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

/** An issuer whose tokens may be good, and the only keys that may verify them. */
export interface TrustedIssuer {
  readonly issuer: string
  readonly source: KeySource
  /** To be called when a token of this issuer has been verified. */
  readonly proved: () => void
}

/** The issuers whose tokens may be good. */
export interface TrustedIssuers {
  /**
   * The issuer of a token, by its unverified claims where several are trusted. It sends no request.
   *
   * @throws TokenFault if the issuer is not trusted; refuses `'unavailable'` where too many unknown ones are looked up
   */
  readonly of: (token: string) => TrustedIssuer
  /** Resolves when the keys of one issuer are known, or where issuers are chosen by a function. Rejects with the cause. */
  readonly ready: (signal: AbortSignal) => Promise<void>
}

/** What {@link createTrustedIssuers} needs. */
export interface TrustedIssuersOptions {
  readonly createSource: (issuer: string, changed: () => void, report: ReportTrouble) => KeySource
  /** Called when the keys of an issuer that has proved itself are replaced. */
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

/** How many issuers whose tokens have been verified are known at a time. The least recently used are evicted first. */
const MOST_PROVED = 1_000
/** How many others, likewise. They are apart, so that made-up issuers evict no good one. */
const MOST_UNPROVED = 100

/**
 * Issuers that a function trusts. It may trust names that anybody can make up, and each costs requests. So an issuer
 * that no verified token has named yet takes one of 100 turns. A turn comes back when a token of that issuer is
 * verified, and one each second.
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

/** Of several issuers, a trouble names its own. */
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
