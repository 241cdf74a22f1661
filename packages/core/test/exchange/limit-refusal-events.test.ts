import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import type { RequestEnded, Trouble } from '../../src/events.ts'
import { limitRefusalEvents } from '../../src/exchange/limit-refusal-events.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const refused = (more: Partial<RequestEnded> = {}): RequestEnded => ({
  type: 'request_ended',
  outcome: 'refused',
  kind: 'rate_limited',
  id: 'i',
  requestId: 'r',
  method: 'GET',
  status: 429,
  address: '192.0.2.1',
  principal: { issuer: 'https://issuer.test', subject: 'ann' },
  attempts: 0,
  durationMs: 1,
  ...more,
})

/** A refusal of a caller that is not known. */
function refusedStranger(address: string): RequestEnded {
  const { principal: _, ...event } = refused({ address })
  return event
}

function open() {
  const events: (RequestEnded | Trouble)[] = []
  const limit = limitRefusalEvents((event) => void events.push(event))
  const report = (event: RequestEnded): void => limit.report(event, event)
  const flood = (count: number, event: (nth: number) => RequestEnded = () => refused()): void => {
    for (let nth = 0; nth < count; nth += 1) report({ ...event(nth), id: String(nth) })
  }
  /** How many refusals the events stand for. */
  const total = (): number => events.reduce((sum, { suppressed = 0 }) => sum + 1 + suppressed, 0)
  return { events, limit, report, flood, total }
}

describe('the refusals of one caller and kind', () => {
  test('are reported at once, up to 9 in a second', () => {
    const { events, flood } = open()
    flood(9)
    expect(events.map(({ id }) => id)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8'])
    vi.advanceTimersByTime(10_000)
    expect(events).toHaveLength(9)
    expect(events.some((event) => 'suppressed' in event)).toBe(false)
  })

  test('the tenth is reported when the second is over', () => {
    const { events, flood } = open()
    flood(10)
    expect(events).toHaveLength(9)
    vi.advanceTimersByTime(1000)
    expect(events.slice(9)).toEqual([refused({ id: '9' })])
  })

  test('135,840 in 100 s are 1,000 events that count them all', () => {
    const { events, flood, total } = open()
    for (let tenths = 0; tenths < 1000; tenths += 1) {
      flood(tenths % 25 < 21 ? 136 : 135)
      vi.advanceTimersByTime(100)
    }
    vi.advanceTimersByTime(1000)
    expect([total(), events.length]).toEqual([135_840, 1000])
  })

  test('the event at the end of the second is the latest, with its cause, which is not enumerable', () => {
    const { events, report, flood } = open()
    flood(11)
    const cause = new Error('secret')
    report(Object.defineProperty(refused({ id: 'last' }), 'cause', { value: cause }))
    vi.advanceTimersByTime(1000)
    const last = events.at(-1)
    expect(last).toEqual(refused({ id: 'last', suppressed: 2 }))
    expect(last?.cause).toBe(cause)
    expect(Object.keys(last ?? {})).not.toContain('cause')
  })

  test('are reported by flush, and then not again', () => {
    const { events, limit, flood, total } = open()
    flood(50)
    limit.flush()
    vi.advanceTimersByTime(10_000)
    expect([total(), events.length]).toEqual([50, 10])
  })
})

describe('do not count together', () => {
  test.each<[string, Partial<RequestEnded>]>([
    ['another kind', { kind: 'token_invalid' }],
    ['another subject', { principal: { issuer: 'https://issuer.test', subject: 'bob' } }],
    ['the same subject of another issuer', { principal: { issuer: 'https://other.test', subject: 'ann' } }],
  ])('%s', (_, more) => {
    const { events, flood } = open()
    flood(100)
    flood(1, () => refused(more))
    expect(events).toHaveLength(10)
  })

  test('two addresses without a principal', () => {
    const { events, flood } = open()
    flood(100, () => refusedStranger('192.0.2.1'))
    flood(1, () => refusedStranger('192.0.2.2'))
    expect(events).toHaveLength(10)
  })
})

test('troubles of one code count together, and not with refusals or other codes', () => {
  const { events, limit, flood } = open()
  flood(100)
  const trouble = (code: Trouble['code']): Trouble => ({ type: 'trouble', port: 'store', code })
  for (let nth = 0; nth < 100; nth += 1) limit.report(trouble('store_unavailable'), refused())
  limit.report(trouble('store_wrong'), refused())
  expect(events).toHaveLength(9 + 9 + 1)
  limit.flush()
  expect(events.slice(19)).toEqual([
    refused({ id: '99', suppressed: 90 }),
    { ...trouble('store_unavailable'), suppressed: 90 },
  ])
})

describe('count together', () => {
  test('addresses of one network of IPv6, which a client can choose from', () => {
    const { events, flood } = open()
    flood(1000, (nth) => refusedStranger(`2001:db8::${nth.toString(16)}`))
    expect(events).toHaveLength(9)
  })

  test('one principal from many addresses', () => {
    const { events, flood } = open()
    flood(1000, (nth) => refused({ address: `192.0.2.${nth % 250}` }))
    expect(events).toHaveLength(9)
  })

  test('callers beyond 10,000 in one second', () => {
    const { events, flood, total } = open()
    const address = (nth: number): string => `10.${nth >> 16}.${(nth >> 8) & 255}.${nth & 255}`
    flood(50_000, (nth) => refusedStranger(address(nth)))
    expect(events).toHaveLength(10_009)
    vi.advanceTimersByTime(1000)
    expect([total(), events.length]).toEqual([50_000, 10_010])
  })
})
