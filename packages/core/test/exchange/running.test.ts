import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { DeliveryError } from '../../src/delivery/delivery-error.ts'
import type { EventDraft } from '../../src/exchange/events.ts'
import { createRunning } from '../../src/exchange/running.ts'

const entryOf = (exportId: string, more: Partial<EventDraft> = {}): EventDraft => ({
  id: `id-${exportId}`,
  requestId: `r-${exportId}`,
  method: 'GET',
  status: 200,
  principal: { issuer: 'https://issuer.test', subject: 'ann' },
  tenantId: 't-1',
  exportId,
  ranges: [],
  bytesPromised: 100,
  bytesSent: 40,
  attempts: 1,
  ...more,
})

test('exactly the downloads that have not ended are cut, in whatever order they end', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 9 }), { maxLength: 40 }), (choices) => {
      const running = createRunning()
      const stopped: number[] = []
      const open = new Map<number, ReturnType<typeof running.begin>>()
      for (const [nth, choice] of choices.entries()) {
        const known = open.get(choice)
        if (known) running.end(known)
        if (known) open.delete(choice)
        else
          open.set(
            choice,
            running.begin(entryOf(String(choice)), () => void stopped.push(choice)),
          )
        expect({ nth, count: running.count() }).toEqual({ nth, count: open.size })
      }
      expect(running.cut(() => true)).toBe(open.size)
      expect(stopped).toHaveLength(open.size)
      expect(new Set(stopped)).toEqual(new Set(open.keys()))
    }),
  )
})

describe('downloads', () => {
  test('are listed with what is known of them', () => {
    const running = createRunning()
    const { startedAt } = running.begin(
      entryOf('e-1', { address: '192.0.2.1', version: 'v1' }),
      () => undefined,
    )
    expect(running.downloads()).toEqual([
      {
        id: 'id-e-1',
        requestId: 'r-e-1',
        principal: { issuer: 'https://issuer.test', subject: 'ann' },
        tenantId: 't-1',
        exportId: 'e-1',
        address: '192.0.2.1',
        version: 'v1',
        startedAt,
        bytesPromised: 100,
        bytesSent: 40,
      },
    ])
  })

  const { principal: _, ...anonymous } = entryOf('e-1')
  const { tenantId: __, ...withoutTenant } = entryOf('e-1')
  const { exportId: ___, ...withoutExport } = entryOf('e-1')

  test.each<[string, EventDraft]>([
    ['of another method', entryOf('e-1', { method: 'HEAD' })],
    ['of an unknown principal', anonymous],
    ['without a tenant', withoutTenant],
    ['without an export', withoutExport],
  ])('leave out a request %s, and cut spares it', (_what, draft) => {
    const running = createRunning()
    running.begin(draft, () => expect.unreachable())
    expect(running.downloads()).toEqual([])
    expect(running.cut(() => true)).toBe(0)
  })
})

test('cut ends those that match and no other, and says that it did', () => {
  const running = createRunning()
  const stopped: [string, unknown][] = []
  for (const name of ['a', 'b', 'c'])
    running.begin(entryOf(name), (reason) => void stopped.push([name, reason]))
  expect(running.cut(({ exportId }) => exportId !== 'b')).toBe(2)
  expect(stopped).toEqual([
    ['a', new DeliveryError('cut')],
    ['c', new DeliveryError('cut')],
  ])
})

describe('drain', () => {
  test('resolves at once where nothing runs', async () => {
    const running = createRunning()
    expect(running.isDraining()).toBe(false)
    await running.drain(60_000)
    expect(running.isDraining()).toBe(true)
  })

  test('resolves when the last one has ended', async () => {
    const running = createRunning()
    const [one, other] = ['a', 'b'].map((name) => running.begin(entryOf(name), () => expect.unreachable()))
    let drained = false
    const drain = running.drain(60_000).then(() => (drained = true))
    if (one) running.end(one)
    await Promise.resolve()
    expect(drained).toBe(false)
    if (other) running.end(other)
    await drain
    expect(drained).toBe(true)
  })

  test('without an end of its time it cuts nothing', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const running = createRunning()
    const stopped: string[] = []
    const run = running.begin(entryOf('a'), () => void stopped.push('a'))
    const drained = running.drain(Infinity)
    await vi.advanceTimersByTimeAsync(86_400_000)
    expect(stopped).toEqual([])
    running.end(run)
    await drained
    expect(vi.getTimerCount()).toBe(0)
  })

  test('cuts at its deadline what still runs, also where one ends while all are cut; the first call decides', async () => {
    const running = createRunning()
    const stopped: string[] = []
    for (const name of ['a', 'b', 'c']) {
      const run = running.begin(entryOf(name), () => {
        stopped.push(name)
        running.end(run)
      })
    }
    const drained = running.drain(0)
    expect(running.drain(60_000)).toBe(drained)
    await drained
    expect(new Set(stopped)).toEqual(new Set(['a', 'b', 'c']))
    expect(running.count()).toBe(0)
  })
})
