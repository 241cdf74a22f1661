import { inspect } from 'node:util'

import { describe, expect, test } from 'vitest'

import type { ExportEvent } from '../../src/events.ts'
import {
  createReporter,
  type EventDraft,
  printablePrincipal,
  startedEvent,
} from '../../src/exchange/events.ts'

const draft: EventDraft & { readonly firstByteMs: number } = {
  id: 'i-1',
  requestId: 'r-1',
  method: 'GET',
  status: 206,
  address: '192.0.2.1',
  version: 'v1',
  principal: { issuer: 'https://issuer.test', subject: 'ann' },
  tenantId: 't-acme',
  exportId: '0f0e0d0c-0b0a-4908-8706-050403020100',
  ranges: [{ first: 0, last: 9 }],
  bytesPromised: 10,
  bytesSent: 4,
  attempts: 1,
  firstByteMs: 3,
}
const { firstByteMs: _first, ...begun } = draft
const secret = new Error('s3://bucket/key')

describe('what is told', () => {
  function openReporter(): { events: ExportEvent[]; report: ReturnType<typeof createReporter> } {
    const events: ExportEvent[] = []
    return { events, report: createReporter((event) => events.push(event)) }
  }

  test('an end has all that is known of the exchange', () => {
    const { events, report } = openReporter()
    report.ended(draft, 'store_cut', 12, secret)
    expect(events).toEqual([{ type: 'download_ended', outcome: 'store_cut', ...draft, durationMs: 12 }])
  })

  test('a start has the same, but for what nobody knows by then', () => {
    const { events, report } = openReporter()
    const { bytesSent: _, firstByteMs: __, ...known } = draft
    report.started(startedEvent(begun))
    expect(events).toEqual([{ type: 'download_started', ...known }])
  })

  test('of a request that was no download, the end has its kind and nothing of bytes', () => {
    const { events, report } = openReporter()
    const { ranges, bytesPromised, bytesSent, ...request } = begun
    report.ended({ ...request, ranges, bytesPromised, bytesSent, kind: 'rate_limited' }, 'refused', 12)
    expect(events).toEqual([
      { type: 'request_ended', outcome: 'refused', kind: 'rate_limited', ...request, durationMs: 12 },
    ])
  })

  test('a trouble in a request has its ids, as far as they are known', () => {
    const { events, report } = openReporter()
    const { tenantId, exportId, ...early } = draft
    report.trouble('store_cut', secret, draft)
    report.trouble('verifier_silent', secret, early)
    expect(events).toEqual([
      { type: 'trouble', port: 'store', code: 'store_cut', id: 'i-1', requestId: 'r-1', tenantId, exportId },
      { type: 'trouble', port: 'verifier', code: 'verifier_silent', id: 'i-1', requestId: 'r-1' },
    ])
  })

  test('a trouble names port and code', () => {
    const { events, report } = openReporter()
    report.trouble('store_cut', secret)
    expect(events).toEqual([{ type: 'trouble', port: 'store', code: 'store_cut' }])
  })

  test('a cause is there for who asks for it, and no logger prints it unasked', () => {
    const { events, report } = openReporter()
    report.trouble('store_cut', secret)
    report.ended(draft, 'failed', 1, secret)
    expect(events.map((event) => ('cause' in event ? event.cause : 'none'))).toEqual([secret, secret])
    for (const event of events) {
      expect(Object.keys(event)).not.toContain('cause')
      expect([JSON.stringify(event), inspect(event), JSON.stringify({ ...event })].join(' ')).not.toContain(
        'bucket',
      )
    }
  })

  test('where nothing caused it there is no cause', () => {
    const { events, report } = openReporter()
    report.trouble('limiter_silent')
    report.ended(draft, 'completed', 1)
    expect(events.filter((event) => Object.hasOwn(event, 'cause'))).toEqual([])
  })

  test('an event is a copy: what comes later does not change it', () => {
    const { events, report } = openReporter()
    const growing = { ...draft }
    report.ended(growing, 'completed', 1)
    growing.bytesSent = 10
    expect(events).toMatchObject([{ bytesSent: 4 }])
  })
})

describe('a sink that is broken harms nothing', () => {
  test.each<[string, (event: ExportEvent) => unknown]>([
    [
      'throws',
      () => {
        throw secret
      },
    ],
    ['rejects', () => Promise.reject(secret)],
    ['never settles', () => new Promise(() => undefined)],
    ['gives something', () => 5],
  ])('one that %s', async (_, sink) => {
    const report = createReporter(sink)
    expect(() => {
      report.trouble('store_cut')
      report.started(startedEvent(begun))
      report.ended(draft, 'completed', 1)
    }).not.toThrow()
    await new Promise((resolve) => setImmediate(resolve))
  })

  test('none at all', () => {
    const report = createReporter(undefined)
    expect(report.ended(draft, 'completed', 1)).toBeUndefined()
  })
})

describe('names from outside', () => {
  test.each([
    ['ann', 'ann'],
    ['ann\r\nlevel=error', String.raw`ann\u{d}\u{a}level=error`],
    ['ann\u202Efdp', String.raw`ann\u{202e}fdp`],
    ['ann\uD800', String.raw`ann\u{d800}`],
    ['änn', 'änn'],
    ['a'.repeat(500), 'a'.repeat(256)],
  ])('%j', (subject, shown) => {
    const principal = {
      issuer: subject,
      subject,
      organizations: [],
      capabilities: [],
      claims: { email: 'a@b' },
    }
    expect(printablePrincipal(principal)).toEqual({ issuer: shown, subject: shown })
  })
})
