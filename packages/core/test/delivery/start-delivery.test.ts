import { getEventListeners } from 'node:events'

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { DeliveryError } from '../../src/delivery/delivery-error.ts'
import type { DeliveryTerms } from '../../src/delivery/start-delivery.ts'
import { bodyOfOneChunk, createThrottle, startDelivery } from '../../src/delivery/start-delivery.ts'
import type { ExportBody } from '../../src/request-response.ts'
import { chunksOf, drain } from './sources.ts'

interface Recorder {
  readonly terms: DeliveryTerms
  readonly controller: AbortController
  /** How it ended; only the first counts. */
  readonly ends: [string, unknown][]
  readonly sent: () => number
}

/** Terms as an exchange makes them: to stop is to end, then to fire the signal. */
function recorder(slowest = { bytes: 1_000, perMs: 1_000 }): Recorder {
  const controller = new AbortController()
  const ends: [string, unknown][] = []
  let bytes = 0
  const end = (outcome: string, cause?: unknown): void => void ends.push([outcome, cause])
  const stop = (reason: DeliveryError): void => {
    end(reason.outcome, reason.cause)
    controller.abort(reason)
  }
  const sent = (more: number): void => void (bytes += more)
  return {
    terms: { slowest, signal: controller.signal, stop, end, sent },
    controller,
    ends,
    sent: () => bytes,
  }
}

const outcomeOf = ({ ends }: Recorder): string | undefined => ends[0]?.[0]

describe('the first-byte gate', () => {
  test('waits for the first chunk before it returns a body', async () => {
    let asked = 0
    const source = async function* source(): AsyncGenerator<Uint8Array, void, undefined> {
      for (const length of [3, 4]) {
        asked += 1
        yield new Uint8Array(length)
      }
    }
    const run = recorder()
    const body = await startDelivery(7, source(), run.terms)
    expect([body.length, asked, run.ends]).toEqual([7, 1, []])
    expect((await drain(body)).lengths).toEqual([3, 4])
    expect([outcomeOf(run), run.sent()]).toEqual(['completed', 7])
  })

  test('throws the error of the source before the first chunk, and reports no end', async () => {
    const failing = async function* failing(): AsyncGenerator<Uint8Array, void, undefined> {
      yield* await Promise.reject<[]>(new DeliveryError('store_cut'))
    }
    const run = recorder()
    await expect(startDelivery(7, failing(), run.terms)).rejects.toMatchObject({ outcome: 'store_cut' })
    expect(run.ends).toEqual([])
  })

  test('releases the source when the signal fires, with or without a reader', async () => {
    let released = false
    const source = async function* source(): AsyncGenerator<Uint8Array, void, undefined> {
      try {
        yield* chunksOf(3, 4)
      } finally {
        released = true
      }
    }
    const run = recorder()
    await startDelivery(7, source(), run.terms)
    run.controller.abort(new DeliveryError('client_aborted'))
    await vi.waitFor(() => expect(released).toBe(true))
  })
})

describe('a body', () => {
  test('that fails reports the outcome, and throws the error to its reader', async () => {
    const cause = new Error('ECONNRESET')
    const source = async function* source(): AsyncGenerator<Uint8Array, void, undefined> {
      yield* chunksOf(3)
      throw new DeliveryError('store_cut', cause)
    }
    const run = recorder()
    const { lengths, error } = await drain(await startDelivery(7, source(), run.terms))
    expect([lengths, error]).toMatchObject([[3], { outcome: 'store_cut', cause }])
    expect(outcomeOf(run)).toBe('store_cut')
  })

  test('whose reader leaves ends as client_aborted', async () => {
    const run = recorder()
    for await (const chunk of await startDelivery(7, chunksOf(3, 4), run.terms)) if (chunk.length === 3) break
    expect([outcomeOf(run), run.sent()]).toEqual(['client_aborted', 0])
  })

  test('that is stopped throws the reason, and is never reported as completed', async () => {
    const run = recorder()
    const body = await startDelivery(7, chunksOf(3, 4), run.terms)
    const chunks = body[Symbol.asyncIterator]()
    await chunks.next()
    run.terms.stop(new DeliveryError('shut_down'))
    await expect(chunks.next()).rejects.toMatchObject({ outcome: 'shut_down' })
    expect(outcomeOf(run)).toBe('shut_down')
  })

  test('that is one chunk reports the same outcomes', async () => {
    const run = recorder()
    const body = bodyOfOneChunk(Uint8Array.of(1, 2, 3), run.terms)
    expect([body.length, (await drain(body)).bytes]).toEqual([3, Buffer.of(1, 2, 3)])
    expect([run.ends[0], run.sent()]).toEqual([['completed', undefined], 3])
    const stopped = recorder()
    stopped.controller.abort(new DeliveryError('lifetime_over'))
    await drain(bodyOfOneChunk(Uint8Array.of(1), stopped.terms))
    expect(outcomeOf(stopped)).toBe('lifetime_over')
  })

  test('has one listener on the signal, however many chunks there are', async () => {
    const run = recorder()
    const most: number[] = []
    const lengths = Array.from({ length: 50 }, () => 1)
    for await (const _ of await startDelivery(50, chunksOf(...lengths), run.terms))
      most.push(getEventListeners(run.terms.signal, 'abort').length)
    expect([most.length, Math.max(...most)]).toEqual([50, 1])
  })
})

describe('the floor of 1,000 bytes in 1,000 ms', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => void vi.useRealTimers())

  /** Reads with these pauses, in ms, after each chunk; says how it ended and when. */
  async function read(
    run: Recorder,
    body: ExportBody,
    ...pauses: readonly number[]
  ): Promise<[string | undefined, number]> {
    const begun = performance.now()
    let endedAt = -1
    run.terms.signal.addEventListener('abort', () => (endedAt = performance.now()))
    const chunks = body[Symbol.asyncIterator]()
    for (const pause of pauses) {
      const step = await chunks.next().catch(() => ({ done: true }))
      if (step.done === true) break
      await vi.advanceTimersByTimeAsync(pause)
    }
    await chunks.next().catch(() => undefined)
    if (endedAt < 0) endedAt = performance.now()
    expect(vi.getTimerCount()).toBe(0)
    return [outcomeOf(run), endedAt - begun]
  }
  const body = (run: Recorder, ...lengths: readonly number[]): Promise<ExportBody> =>
    startDelivery(
      lengths.reduce((sum, length) => sum + length, 0),
      chunksOf(...lengths),
      run.terms,
    )

  test.each<[string, number[], number[], [string, number]]>([
    ['a stalled reader is cut when the window is over', [100, 100], [5_000], ['client_too_slow', 1_000]],
    ['one that comes back in time is not', [100, 100], [990, 10], ['completed', 1_000]],
    // 1,000 ms and 100 more for the first chunk, of which 990 are gone: 110 are left.
    ['a pause uses up the window', [100, 100], [990, 500], ['client_too_slow', 1_100]],
    [
      'a reader exactly at the floor is not cut',
      Array.from({ length: 50 }, () => 100),
      Array.from({ length: 50 }, () => 100),
      ['completed', 5_000],
    ],
    [
      'a reader at half of the floor is cut when the window is used up',
      Array.from({ length: 50 }, () => 100),
      Array.from({ length: 50 }, () => 200),
      ['client_too_slow', 1_800],
    ],
    [
      'a fast reader saves up at most one window',
      [900, 900, 900, 100, 100],
      [0, 0, 0, 5_000],
      ['client_too_slow', 1_000],
    ],
    [
      'a chunk larger than the window gets the time of its bytes',
      [3_000, 100],
      [2_990, 10],
      ['completed', 3_000],
    ],
    ['and no more', [3_000, 100], [5_000], ['client_too_slow', 3_000]],
  ])('%s', async (_, lengths, pauses, [outcome, at]) => {
    const run = recorder()
    const [ended, when] = await read(run, await body(run, ...lengths), ...pauses)
    expect(ended).toBe(outcome)
    expect(Math.abs(when - at)).toBeLessThanOrEqual(2)
  })

  test('a large chunk is given in pieces of one window', async () => {
    const floor = { bytes: 122_880, perMs: 120_000 }
    const stopped = recorder(floor)
    const [outcome, at] = await read(stopped, await body(stopped, 491_520, 491_520), 0, 0, 0, 0, 500_000)
    expect([outcome, Math.round(at / 1_000)]).toEqual(['client_too_slow', 120])
    const slow = recorder(floor)
    const pauses = Array.from({ length: 8 }, () => 119_000)
    expect(await read(slow, await body(slow, 491_520, 491_520), ...pauses)).toEqual(['completed', 952_000])
    expect(slow.sent()).toBe(983_040)
  })

  test.each([
    { bytes: 1, perMs: 86_400_000 },
    { bytes: 1_024, perMs: 86_400_000 },
  ])('a floor of $bytes bytes per $perMs ms sets its timer once in 24.8 days', async (floor) => {
    const run = recorder(floor)
    const reader = (await body(run, 65_536))[Symbol.asyncIterator]()
    await reader.next()
    await vi.advanceTimersByTimeAsync(10)
    expect(run.ends).toEqual([])
    vi.advanceTimersToNextTimer()
    expect([Math.round(performance.now() / 86_400_000), run.ends]).toEqual([25, []])
    await reader.return?.()
  })

  test('does not count the time in which it waits for the store', async () => {
    const slow = async function* slow(): AsyncGenerator<Uint8Array, void, undefined> {
      for (const chunk of [100, 100, 100]) {
        yield new Uint8Array(chunk)
        await new Promise((resolve) => setTimeout(resolve, 10_000))
      }
    }
    const run = recorder()
    const seen = startDelivery(300, slow(), run.terms).then(drain)
    await vi.advanceTimersByTimeAsync(60_000)
    expect((await seen).lengths).toEqual([100, 100, 100])
    expect(outcomeOf(run)).toBe('completed')
  })
})

describe('a reader that leaves before it requests a chunk', () => {
  const makers: [string, (run: Recorder) => Promise<ExportBody>][] = [
    ['a long body', async (run) => startDelivery(7, chunksOf(3, 4), run.terms)],
    ['a body of one chunk', async (run) => bodyOfOneChunk(new Uint8Array(7), run.terms)],
  ]
  test.each(makers)('ends %s', async (_, make) => {
    const run = recorder()
    const body = await make(run)
    await body[Symbol.asyncIterator]().return?.()
    expect([outcomeOf(run), run.controller.signal.aborted]).toEqual(['client_aborted', true])
  })
})

describe('a throttle', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => void vi.useRealTimers())

  const throttled = (run: Recorder, bytesPerSecond: number, splits = true): DeliveryTerms => ({
    ...run.terms,
    throttle: createThrottle(bytesPerSecond, { splits, signal: run.controller.signal }),
  })
  /** Chunks of one buffer, without an end. */
  const endless = async function* endless(chunk: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) yield chunk
  }
  /** Reads for so many milliseconds. `after` is called after each piece. */
  async function read(
    body: ExportBody,
    ms: number,
    after: (piece: Uint8Array) => Promise<unknown> | void = () => undefined,
  ): Promise<{ bytes: number; largest: number; ended: Promise<unknown> }> {
    const seen = { bytes: 0, largest: 0 }
    const reading = (async () => {
      for await (const piece of body) {
        seen.bytes += piece.length
        seen.largest = Math.max(seen.largest, piece.length)
        await after(piece)
      }
    })()
    const ended = reading.catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(ms)
    return { ...seen, ended }
  }

  async function leave(run: Recorder, ended: Promise<unknown>): Promise<void> {
    run.controller.abort(new DeliveryError('client_aborted'))
    await vi.advanceTimersByTimeAsync(10_000)
    await ended
  }

  test.each([
    { bytesPerSecond: 4_096, chunk: 65_536 },
    { bytesPerSecond: 65_536, chunk: 4_096 },
    { bytesPerSecond: 65_536, chunk: 1_048_576 },
    { bytesPerSecond: 50_000_000, chunk: 65_536 },
    { bytesPerSecond: 50_000_000, chunk: 1_048_576 },
  ])('gives $bytesPerSecond bytes a second within 5 % over 10 s, of chunks of $chunk', async (given) => {
    const run = recorder({ bytes: 122_880, perMs: 120_000 })
    const terms = throttled(run, given.bytesPerSecond)
    const body = await startDelivery(Infinity, endless(new Uint8Array(given.chunk)), terms)
    const { bytes, largest, ended } = await read(body, 10_000)
    expect(bytes / (10 * given.bytesPerSecond)).toBeGreaterThan(0.95)
    expect(bytes / (10 * given.bytesPerSecond)).toBeLessThanOrEqual(1.05)
    // In every twentieth of a second, so that the client sees a flow and not bursts.
    expect(largest).toBeLessThanOrEqual(Math.max(1_024, Math.ceil(given.bytesPerSecond / 20)))
    await leave(run, ended)
  })

  test('keeps the speed when its timers fire late', async () => {
    const run = recorder()
    const body = await startDelivery(Infinity, endless(new Uint8Array(65_536)), throttled(run, 1_000_000))
    const late = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 30))
    const { bytes, ended } = await read(body, 10_000, late)
    expect(bytes / 10_000_000).toBeGreaterThan(0.95)
    expect(bytes / 10_000_000).toBeLessThanOrEqual(1.05)
    await leave(run, ended)
  })

  test('makes up for at most a quarter of a second after its reader stopped', async () => {
    const run = recorder({ bytes: 65_536, perMs: 60_000 })
    const body = await startDelivery(Infinity, endless(new Uint8Array(65_536)), throttled(run, 1_000_000))
    let bytes = 0
    const stopped = (piece: Uint8Array): Promise<unknown> | void => {
      bytes += piece.length
      if (bytes === piece.length) return new Promise((resolve) => setTimeout(resolve, 10_000))
    }
    const { ended } = await read(body, 11_000, stopped)
    expect(bytes).toBeGreaterThan(1_000_000)
    expect(bytes).toBeLessThan(1_400_000)
    await leave(run, ended)
  })

  test('does not count its pauses for the floor of the client', async () => {
    const run = recorder({ bytes: 1_000_000, perMs: 1_000 })
    const body = await startDelivery(20_480, chunksOf(20_480), throttled(run, 1_024))
    const { bytes } = await read(body, 30_000)
    expect([bytes, outcomeOf(run)]).toEqual([20_480, 'completed'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('ends at once when the signal fires in a pause', async () => {
    const run = recorder()
    const body = await startDelivery(Infinity, endless(new Uint8Array(65_536)), throttled(run, 1_024))
    const { bytes, ended } = await read(body, 10)
    expect(bytes).toBe(1_024)
    run.terms.stop(new DeliveryError('shut_down'))
    expect(await ended).toMatchObject({ outcome: 'shut_down' })
    expect([vi.getTimerCount(), getEventListeners(run.terms.signal, 'abort').length]).toEqual([0, 0])
  })

  test('slows a small body down too', async () => {
    const run = recorder({ bytes: 65_536, perMs: 60_000 })
    const { bytes } = await read(bodyOfOneChunk(new Uint8Array(10_240), throttled(run, 1_024)), 5_000)
    expect(bytes).toBe(5 * 1_024 + 1_024)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(outcomeOf(run)).toBe('completed')
  })

  test('splits nothing where it must not, and pauses for whole chunks', async () => {
    const run = recorder({ bytes: 65_536, perMs: 60_000 })
    const body = await startDelivery(Infinity, endless(new Uint8Array(65_536)), throttled(run, 65_536, false))
    const { bytes, largest, ended } = await read(body, 10_000)
    expect([bytes, largest]).toEqual([11 * 65_536, 65_536])
    await leave(run, ended)
  })

  test('makes no timer where it is absent', async () => {
    const run = recorder()
    const made = vi.spyOn(globalThis, 'setTimeout')
    const body = await startDelivery(200, chunksOf(...Array.from({ length: 200 }, () => 1)), run.terms)
    expect((await drain(body)).bytes).toHaveLength(200)
    expect(made).toHaveBeenCalledTimes(1) // that of the floor of the client
  })
})
