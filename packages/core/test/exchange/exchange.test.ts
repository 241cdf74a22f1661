import { getEventListeners } from 'node:events'

import { describe, expect, test } from 'vitest'

import { DeliveryError } from '../../src/delivery/delivery-error.ts'
import type { ExportEvent } from '../../src/events.ts'
import { createReporter, startedEvent } from '../../src/exchange/events.ts'
import { type Exchange, startExchange } from '../../src/exchange/exchange.ts'
import { createRunning, type Running } from '../../src/exchange/running.ts'
import { refusal, refusalCause, refusalDetail, refuse } from '../../src/refusals.ts'
import type { Ended } from '../handler/scene.ts'

const never = 60_000

/** An exchange whose client can leave, and what it told. */
function open({ firstByteMs = never, lifetimeMs = never, client = new AbortController() } = {}): {
  readonly exchange: Exchange
  readonly client: AbortController
  readonly running: Running
  readonly ended: () => readonly Ended[]
  readonly events: readonly ExportEvent[]
} {
  const events: ExportEvent[] = []
  const running = createRunning()
  const request = { method: 'GET', params: {}, header: () => undefined, signal: client.signal }
  const report = createReporter((event) => events.push(event))
  const exchange = startExchange(request, { firstByteMs, lifetimeMs, report, running })
  return {
    exchange,
    client,
    running,
    ended: () => events.filter((event) => event.type === 'download_ended' || event.type === 'request_ended'),
    events,
  }
}

function beginDownload({ begin, draft }: Exchange, status = 200): void {
  begin({ status, ranges: [], bytesPromised: 9 }, startedEvent(draft))
}

const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'nothing',
    (error: unknown) => error,
  )
const silence = <V>(): Promise<V> => new Promise(() => undefined)

describe('asking a port', () => {
  test('gives what it gives, and hands it the signal', async () => {
    const { exchange } = open()
    const seen: AbortSignal[] = []
    const answer = await exchange.callPort('catalogue', async (signal) => {
      seen.push(signal)
      return 'row'
    })
    expect([answer, seen]).toEqual(['row', [exchange.signal]])
    exchange.end('completed')
  })

  const fault = new Error('s3://bucket')
  test.each<[string, () => Promise<never>]>([
    ['rejects', () => Promise.reject(fault)],
    [
      'throws at once',
      () => {
        throw fault
      },
    ],
  ])('that %s is unavailable, and its fault is kept', async (_, call) => {
    const { exchange } = open()
    const error = await thrownBy(exchange.callPort('catalogue', call))
    expect(refusalDetail(error)).toEqual({
      kind: 'unavailable',
      trouble: 'catalogue_failed',
    })
    expect(refusalCause(error)).toBe(fault)
    exchange.end('refused')
  })

  test.each([
    ['unavailable', 'tenants_unavailable'],
    ['upstream_error', 'tenants_wrong'],
    ['internal', 'tenants_failed'],
  ] as const)('that refuses %s is in trouble, with what it said', async (kind, code) => {
    const { exchange } = open()
    const call = async (): Promise<never> => refuse(kind, { retryAfterMs: 7, cause: fault })
    const error = await thrownBy(exchange.callPort('tenants', call))
    expect(refusalDetail(error)).toEqual({ kind, retryAfterMs: 7, trouble: code })
    expect(refusalCause(error)).toBe(fault)
    exchange.end('refused')
  })

  test.each([
    'token_invalid',
    'scope_missing',
    'export_not_found',
    'object_changed',
    'rate_limited',
  ] as const)('that refuses %s speaks to the caller, and is in none', async (kind) => {
    const { exchange } = open()
    const said = refusal({ kind }, fault)
    expect(await thrownBy(exchange.callPort('store', () => Promise.reject(said)))).toBe(said)
    exchange.end('refused')
  })

  test.each([
    [{ kind: 'token_invalid' }, { kind: 'token_invalid' }],
    [
      { kind: 'unavailable', retryAfterMs: 5 },
      { kind: 'unavailable', retryAfterMs: 5, trouble: 'store_unavailable' },
    ],
    [
      { kind: 'upstream_error', trouble: 'record_stale' },
      { kind: 'upstream_error', trouble: 'record_stale' },
    ],
  ] as const)('that refuses without a cause gets one that names the port: %j', async (detail, seen) => {
    const { exchange } = open()
    const error = await thrownBy(exchange.callPort('store', () => Promise.reject(refusal(detail))))
    expect(refusalDetail(error)).toEqual(seen)
    expect(String(refusalCause(error))).toBe(
      `Error: the store port called refuse('${detail.kind}') without a cause`,
    )
    exchange.end('refused')
  })

  test('a trouble that is named already keeps its name', async () => {
    const { exchange } = open()
    const said = refusal({ kind: 'upstream_error', trouble: 'record_stale' }, fault)
    expect(await thrownBy(exchange.callPort('store', () => Promise.reject(said)))).toBe(said)
    exchange.end('refused')
  })

  test('when the client is gone, is over at once, whatever the port makes of it', async () => {
    const { exchange, client } = open()
    const offended = exchange.callPort(
      'store',
      (signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('AbortError')))),
    )
    client.abort()
    expect(await thrownBy(offended)).toEqual(new DeliveryError('client_aborted'))
    expect(await thrownBy(exchange.callPort('store', silence))).toEqual(new DeliveryError('client_aborted'))
  })

  test('asks nobody when the client was gone before', async () => {
    const client = new AbortController()
    client.abort()
    const { exchange, ended } = open({ client })
    const call = (): never => {
      throw new Error('somebody was asked')
    }
    expect(await thrownBy(exchange.callPort('verifier', call))).toEqual(new DeliveryError('client_aborted'))
    expect(ended()).toMatchObject([{ outcome: 'client_aborted', status: 499 }])
  })
})

describe('the first-byte clock', () => {
  test('ends the wait for a silent port, and names it', async () => {
    const { exchange, ended } = open({ firstByteMs: 10 })
    const error = await thrownBy(exchange.callPort('limiter', silence))
    expect(refusalDetail(error)).toEqual({
      kind: 'unavailable',
      trouble: 'limiter_silent',
    })
    expect([exchange.signal.aborted, ended()]).toEqual([true, []])
    exchange.end('refused')
    expect(ended()).toHaveLength(1)
  })

  test('stops with the head', async () => {
    const { exchange } = open({ firstByteMs: 10, lifetimeMs: 60 })
    beginDownload(exchange)
    const reason = await new Promise((resolve) =>
      exchange.signal.addEventListener('abort', () => resolve(exchange.signal.reason)),
    )
    expect(reason).toEqual(new DeliveryError('lifetime_over'))
  })
})

describe('the end', () => {
  test('comes once, and the first to call it is right', () => {
    const { exchange, ended, running } = open()
    exchange.end('completed')
    exchange.end('client_aborted')
    exchange.stop(new DeliveryError('store_cut'))
    expect(ended().map(({ outcome }) => outcome)).toEqual(['completed'])
    expect(running.count()).toBe(0)
  })

  test('calls what onEnd registered, in order, before it reports the end', () => {
    const { exchange, ended } = open()
    const released: string[] = []
    exchange.onEnd(() => released.push(`slot ${ended().length}`))
    exchange.onEnd(() => {
      throw new Error('release failed')
    })
    exchange.onEnd(() => released.push('object'))
    exchange.end('completed')
    expect(released).toEqual(['slot 0', 'object'])
    exchange.onEnd(() => released.push('late'))
    exchange.onEnd(() => {
      throw new Error('release failed')
    })
    expect(released).toEqual(['slot 0', 'object', 'late'])
  })

  test('leaves no listener on the client', () => {
    const { exchange, client } = open()
    expect(getEventListeners(client.signal, 'abort')).toHaveLength(1)
    exchange.end('completed')
    expect(getEventListeners(client.signal, 'abort')).toEqual([])
  })

  test('by a client that leaves before the head has a status of its own', () => {
    const { client, ended } = open()
    client.abort()
    expect(ended()).toMatchObject([{ outcome: 'client_aborted', status: 499 }])
  })

  test('by a client that leaves after the head keeps the status that was sent', () => {
    const { exchange, client, ended } = open()
    beginDownload(exchange, 206)
    client.abort()
    expect(ended()).toMatchObject([{ outcome: 'client_aborted', status: 206 }])
    expect(exchange.signal.reason).toEqual(new DeliveryError('client_aborted'))
  })

  test('tells when the first byte left, if one did', () => {
    const { exchange, ended } = open()
    exchange.begin({ status: 304, ranges: [], bytesPromised: 0 }, undefined)
    exchange.end('completed')
    expect(ended()[0]).not.toHaveProperty('firstByteMs')
    const { exchange: other, ended: otherEnded } = open()
    beginDownload(other)
    other.end('completed')
    expect(otherEnded()[0]?.firstByteMs).toBeLessThanOrEqual(otherEnded()[0]?.durationMs ?? 0)
  })
})

describe('a download', () => {
  const seen = ({ type, ...event }: ExportEvent): unknown[] => [type, event.id]

  test('tells its start and its end, by one id; other requests tell one end', () => {
    const { exchange, events } = open()
    beginDownload(exchange)
    exchange.end('completed')
    const other = open()
    other.exchange.begin({ status: 304, ranges: [], bytesPromised: 0 }, undefined)
    other.exchange.end('completed')
    const { id } = exchange.draft
    expect(events.map(seen)).toEqual([
      ['download_started', id],
      ['download_ended', id],
    ])
    expect(other.events.map(seen)).toEqual([['request_ended', other.exchange.draft.id]])
  })

  test('does not start after the client has left', () => {
    const { exchange, client, events } = open()
    client.abort()
    expect(() => beginDownload(exchange)).toThrow(new DeliveryError('client_aborted'))
    expect(events.map(seen)).toEqual([['request_ended', exchange.draft.id]])
  })
})

describe('the deadline of a drain', () => {
  test('cuts what is being sent', async () => {
    const { exchange, running, ended } = open()
    beginDownload(exchange)
    await running.drain(0)
    expect(ended()).toMatchObject([{ outcome: 'shut_down', status: 200 }])
    expect(exchange.signal.reason).toEqual(new DeliveryError('shut_down'))
  })

  test('before the head ends the wait, so that the pipeline can refuse', async () => {
    const { exchange, running, ended } = open()
    const asked = exchange.callPort('catalogue', silence)
    const drained = running.drain(0)
    expect(await thrownBy(asked)).toEqual(new DeliveryError('shut_down'))
    expect(ended()).toEqual([])
    exchange.end('refused')
    await drained
  })

  test('forgets what has ended', () => {
    const { exchange, running } = open()
    exchange.end('completed')
    expect(running.count()).toBe(0)
  })
})
