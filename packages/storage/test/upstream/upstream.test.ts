import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { Fault } from '../../src/upstream/fault.ts'
import { createSemaphore } from '../../src/upstream/semaphore.ts'
import { createUpstream, type StoreRequest } from '../../src/upstream/upstream.ts'
import { formatValidator, isStrong, parseValidator } from '../../src/upstream/validator.ts'
import { kindOf } from '../reading.ts'

const never = new AbortController().signal

describe('the semaphore', () => {
  test('grants its permits, and then serves first in, first out', async () => {
    const semaphore = createSemaphore(() => 2)
    const leaves = [await semaphore.acquire(never), await semaphore.acquire(never)]
    const entered: string[] = []
    const waiting = ['first', 'second'].map(async (name) => {
      const leave = await semaphore.acquire(never)
      entered.push(name)
      return leave
    })
    await Promise.resolve()
    expect(entered).toEqual([])
    leaves[0]?.()
    leaves[0]?.()
    await waiting[0]
    expect(entered).toEqual(['first'])
    leaves[1]?.()
    await waiting[1]
    expect(entered).toEqual(['first', 'second'])
  })

  test('a caller that leaves takes no permit', async () => {
    const semaphore = createSemaphore(() => 1)
    const leave = await semaphore.acquire(never)
    const caller = new AbortController()
    const left = semaphore.acquire(caller.signal).catch((error: unknown) => error)
    const next = semaphore.acquire(never)
    caller.abort('left')
    expect(await left).toBe('left')
    leave()
    ;(await next)()
    expect(typeof (await semaphore.acquire(never))).toBe('function')
  })

  test('never grants more permits than there are', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.nat(3), { maxLength: 40 }),
        async (places, waits) => {
          const semaphore = createSemaphore(() => places)
          let inside = 0
          let most = 0
          const visit = async (turns: number): Promise<void> => {
            const leave = await semaphore.acquire(never)
            most = Math.max(most, ++inside)
            for (let turn = 0; turn < turns; turn++) await Promise.resolve()
            inside -= 1
            leave()
          }
          await Promise.all(waits.map(visit))
          expect(most).toBeLessThanOrEqual(places)
          expect(inside).toBe(0)
        },
      ),
    ))
})

describe('validators', () => {
  test('are the same after formatting and parsing', () => {
    const etag = fc.stringMatching(/^"[\x21\x23-\x7e]{1,40}"$/)
    const version = fc.option(fc.stringMatching(/^[\x21-\x7e]{1,40}$/), { nil: undefined })
    fc.assert(
      fc.property(etag, version, (etag, version) => {
        const pin = version === undefined ? { etag } : { etag, version }
        expect(parseValidator(formatValidator(pin))).toEqual(pin)
      }),
    )
  })

  test.each([
    '',
    'abc',
    '"',
    '""',
    'W/"abc"',
    '"abc',
    '"a"b"',
    '"abc"@',
    '"abc"@ü',
    '"abc"\r\nx: y',
    `"${'a'.repeat(300)}"`,
  ])('%j is not a validator', (text) => {
    expect([parseValidator(text), isStrong(text)]).toEqual([undefined, false])
  })

  test.each([
    ['version', { version: 'v1.2' }],
    ['lastModified+size', { modified: '2026-02-01T10:00:00Z', size: 300 }],
  ] as const)(
    'of the kind %s are the same after formatting and parsing, and of no other kind',
    (kind, pin) => {
      const text = formatValidator(pin)
      const kinds = ['etag', 'version', 'lastModified+size'] as const
      expect(kinds.map((one) => parseValidator(text, one))).toEqual(
        kinds.map((one) => (one === kind ? pin : undefined)),
      )
    },
  )

  test.each([
    '',
    '@',
    'abc',
    '"abc"',
    '"abc"@v1',
    '2026-02-01/3',
    '2026-02-01T10:00:00Z/',
    '2026-02-01T10:00:00Z/-1',
  ])('%j is not a validator of a weaker kind', (text) => {
    expect([parseValidator(text, 'version'), parseValidator(text, 'lastModified+size')]).toEqual([
      undefined,
      undefined,
    ])
  })

  test('a validator with a version is not an entity-tag', () => {
    expect(isStrong('"abc"@v1')).toBe(false)
  })
})

describe('an upstream', () => {
  const fault = (kind: Fault['kind']): Fault => ({ kind, word: 'SlowDown' })
  const ask = (
    more: Partial<StoreRequest<string>>,
    { headersMs = 1000, places = 1 } = {},
    signal = never,
  ) => {
    const upstream = createUpstream({ headersMs, connections: () => places, now: () => 0, random: () => 0 })
    const discarded: string[] = []
    const request: StoreRequest<string> = {
      send: async () => 'answer',
      classify: () => fault('unavailable'),
      isRetryable: () => false,
      discard: (answer) => void discarded.push(answer),
      ...more,
    }
    return { upstream, request, discarded, asked: upstream.run(request, signal) }
  }

  test('gives the answer, and its connection back when it is released', async () => {
    const { asked, upstream, request } = ask({})
    const lease = await asked
    expect(lease?.answer).toBe('answer')
    const waiting = upstream.run(request, never)
    lease?.release()
    expect((await waiting)?.answer).toBe('answer')
  })

  test('discards an answer that comes after the caller has left', async () => {
    const caller = new AbortController()
    const late = Promise.withResolvers<string>()
    const sent = Promise.withResolvers<void>()
    const send = (): Promise<string> => {
      sent.resolve()
      return late.promise
    }
    const { asked, discarded } = ask({ send }, {}, caller.signal)
    const left = asked.catch((error: unknown) => error)
    await sent.promise
    caller.abort('left')
    expect(await left).toBe('left')
    late.resolve('late')
    await expect.poll(() => discarded).toEqual(['late'])
  })

  test('does not send for a caller who leaves between the connection and the request', async () => {
    const caller = new AbortController()
    let sent = 0
    const send = async (): Promise<string> => `${++sent}`
    const left = ask({ send }, {}, caller.signal).asked.catch((error: unknown) => error)
    caller.abort('left')
    expect(await left).toBe('left')
    expect(sent).toBe(0)
  })

  test('refuses when no answer comes, however deaf the client is, and gives its connection back', async () => {
    const { asked, upstream, request } = ask({ send: () => new Promise(() => {}) }, { headersMs: 20 })
    expect(await asked.catch(kindOf)).toBe('unavailable')
    expect((await upstream.run({ ...request, send: async () => 'next' }, never))?.answer).toBe('next')
  })

  test('ends what the client has open when it fails', async () => {
    let given: AbortSignal | undefined
    const send = async (signal: AbortSignal): Promise<string> => {
      given = signal
      throw new RangeError('a head without length')
    }
    const { asked } = ask({ send, classify: () => fault('upstream_error') })
    expect(await asked.catch(kindOf)).toBe('upstream_error')
    expect(given?.aborted).toBe(true)
  })

  test('a client that throws before it promises is judged like any other', async () => {
    const { asked } = ask({
      send: () => {
        throw new Error('at once')
      },
    })
    expect(await asked.catch(kindOf)).toBe('unavailable')
  })

  test('an absence is no failure, and is undefined', async () => {
    const { asked } = ask({ send: () => Promise.reject(new Error('404')), classify: () => fault('missing') })
    expect(await asked).toBeUndefined()
  })

  test('a signal that has fired sends no request', async () => {
    let sent = 0
    const send = async (): Promise<string> => `${++sent}`
    const { asked } = ask({ send }, {}, AbortSignal.abort('left'))
    expect(await asked.catch((error: unknown) => error)).toBe('left')
    expect(sent).toBe(0)
  })

  test('tries once more, at most, and only within the budget', async () => {
    const upstream = createUpstream({
      headersMs: 5000,
      connections: () => 100,
      now: () => 0,
      random: () => 0,
    })
    let sent = 0
    const request: StoreRequest<string> = {
      send: async () => {
        sent += 1
        throw new Error('down')
      },
      classify: () => fault('unavailable'),
      isRetryable: () => true,
      discard: () => {},
    }
    const asked = Array.from({ length: 15 }, () => upstream.run(request, never).catch(kindOf))
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['unavailable']))
    expect(sent).toBe(25)
  })
})
