import { setTimeout as delay } from 'node:timers/promises'

import { type Client, openClient, type Reading } from './client.ts'
import {
  type Answer,
  type Exchange,
  field,
  isLimitedThroughout,
  type ProbeName,
  type Protocol,
} from './exchange.ts'
import { readRetryAfter } from './fields.ts'
import { describeExport } from './known.ts'
import { outgoing } from './outgoing.ts'
import { type Probe, probes } from './probes.ts'
import type { Settings } from './settings.ts'

/** What a check sent and received. */
export interface Recording {
  /** One for each probe, in order. */
  readonly exchanges: readonly Exchange[]
  /** Every response with 429 or 503, repeated requests included. */
  readonly limited: readonly Answer[]
  readonly requests: number
  readonly bytes: number
  readonly waitedMs: number
}

const sampleBytes = 65_536
// A 429 without Retry-After.
const usualWaitMs = 1_000
const mostRepeats = 5

/**
 * Sends the probes one after the other, within the limits of the settings. Waits as `Retry-After` says, and repeats the request.
 * Stops after the first request if its response is not 200, because the others would say nothing, and when two requests in a row
 * get only 429 or 503.
 *
 * @throws the network's error if the first request gets no response; the reason of `signal` if it aborts
 */
export async function record(settings: Settings): Promise<Recording> {
  const { maxRequests, maxBytes, maxWaitMs, signal, onProgress } = settings
  const protocol: Protocol = settings.protocol === 'h2' ? 'HTTP/2' : 'HTTP/1.1'
  const other: Protocol = protocol === 'HTTP/2' ? 'HTTP/1.1' : 'HTTP/2'
  const clients = new Map<Protocol, Client>()
  const exchanges: Exchange[] = []
  const limited: Answer[] = []
  let [requests, bytes, waitedMs] = [0, 0, 0]

  const clientOf = (wanted: Protocol): Client => {
    const client = clients.get(wanted) ?? openClient(wanted, settings)
    clients.set(wanted, client)
    return client
  }

  const send = async (name: ProbeName, probe: Probe): Promise<Exchange> => {
    const client = clientOf(probe.isOtherProtocol ? other : protocol)
    for (let repeats = 0; ; repeats += 1) {
      if (requests >= maxRequests) return notAsked(name, `the limit of ${maxRequests} requests is reached`)
      if (bytes >= maxBytes && !probe.isWhole)
        return notAsked(name, `the limit of ${maxBytes} bytes is reached`)
      requests += 1
      const answer = await twice(() => client.send(name, outgoing(probe, settings), readingOf(probe)))
      if (!probe.isWhole) bytes += answer.bytes
      if (answer.status !== 429 && answer.status !== 503) return answer
      limited.push(answer)
      const waitMs = readRetryAfter(field(answer, 'retry-after'), Date.now()) ?? usualWaitMs
      if (repeats === mostRepeats || waitedMs + waitMs > maxWaitMs)
        return { probe: name, outcome: 'limited', reason: `the endpoint answers ${answer.status}` }
      waitedMs += waitMs
      await delay(waitMs, undefined, { ...(signal && { signal }) })
    }
  }

  // A server may close an idle connection just when the next request is sent (RFC 9112 §9.3.1).
  const twice = (request: () => Promise<Answer>): Promise<Answer> =>
    request().catch((error: unknown) => {
      if (signal?.aborted || requests >= maxRequests || reasonOf(error) === timedOut) throw error
      requests += 1
      return request()
    })

  const readingOf = ({ isWhole }: Probe): Reading => {
    if (!isWhole)
      return { maxBytes: Math.min(sampleBytes, maxBytes - bytes), keepBytes: sampleBytes, hasDeadline: true }
    const { size } = describeExport(exchanges)
    return {
      maxBytes: Infinity,
      keepBytes: 0,
      hasDeadline: false,
      onBytes: (read) => onProgress?.(read, size),
    }
  }

  try {
    for (const name of Object.keys(probes).filter(isProbeName)) {
      signal?.throwIfAborted()
      const probe = probes[name](describeExport(exchanges), settings)
      const isFirst = exchanges.length === 0
      const exchange =
        typeof probe === 'string'
          ? notAsked(name, probe)
          : await send(name, probe).catch((error: unknown) => {
              if (isFirst || signal?.aborted) throw error
              return { probe: name, outcome: 'no_answer' as const, reason: reasonOf(error) }
            })
      exchanges.push(exchange)
      if (isFirst && !('status' in exchange && exchange.status === 200)) break
      if (isLimitedThroughout(exchanges)) break
    }
    return { exchanges, limited, requests, bytes, waitedMs }
  } finally {
    await Promise.all([...clients.values()].map((client) => client.close()))
  }
}

const isProbeName = (name: string): name is ProbeName => name in probes

const notAsked = (probe: ProbeName, reason: string): Exchange => ({ probe, outcome: 'not_asked', reason })

const timedOut = 'timed out'

/** The code of a network error, because its message may contain the URL. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (error.name === 'TimeoutError' || code?.endsWith('_TIMEOUT')) return timedOut
  if (code !== undefined) return code
  return error.cause instanceof Error ? reasonOf(error.cause) : error.name
}
