import { DeadlineError } from '@sallyport/core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { createLeases } from '../src/leases.ts'
import type { Leases } from '../src/leases.ts'
import type { Lease } from '../src/renewal.ts'
import type { Command } from '../src/script.ts'

const lease = (id: string, tag = 't'): Lease => ({ id, tag, keys: [`{${tag}}:place`] })

/** Leases of 30 s, with a client that gives prepared answers. */
function withClient(answer: (command: Command) => Promise<unknown> = async () => 1): {
  leases: Leases
  sent: Command[]
  failures: unknown[]
  redis: { isReachable: boolean }
} {
  const sent: Command[] = []
  const failures: unknown[] = []
  const redis = { isReachable: true }
  const leases = createLeases({
    send: async (command) => {
      sent.push(command)
      return answer(command)
    },
    leaseMs: 30_000,
    waitMs: 100,
    isReachable: () => redis.isReachable,
    onFailure: (cause) => failures.push(cause),
  })
  return { leases, sent, failures, redis }
}
/** Of each renewal its keys and what follows the lease's milliseconds. */
const renewals = (sent: readonly Command[]): unknown[] =>
  sent.filter(([name]) => name === 'EVAL').map(([, , count, ...rest]) => rest.toSpliced(Number(count), 1))

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('leases', () => {
  test('are renewed together, three times per lease, while they are held', async () => {
    const { leases, sent } = withClient()
    leases.hold(lease('a'))
    await vi.advanceTimersByTimeAsync(5_000)
    leases.hold(lease('b'))
    await vi.advanceTimersByTimeAsync(4_999)
    expect(sent).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(renewals(sent)).toEqual([['{t}:place', '2', '0', 'a', 'b']])
    leases.drop(lease('a'))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(renewals(sent).slice(1)).toEqual([['{t}:place', '1', '0', 'b']])
  })

  test('leave no timer when none is held', async () => {
    const { leases, sent } = withClient()
    leases.hold(lease('a'))
    leases.drop(lease('a'))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(vi.getTimerCount()).toBe(0)
    expect(sent).toEqual([['ZREM', '{t}:place', 'a']])
  })

  test('without a slot are not sent', () => {
    const { leases, sent } = withClient()
    leases.hold({ id: 'a', tag: 't', keys: [] })
    leases.drop({ id: 'a', tag: 't', keys: [] })
    expect(vi.getTimerCount()).toBe(0)
    expect(sent).toEqual([])
  })

  test('of each hash tag are sent to their own node', async () => {
    const { leases, sent } = withClient()
    leases.hold(lease('a', 'one'))
    leases.hold(lease('b', 'two'))
    leases.renew()
    await vi.advanceTimersByTimeAsync(0)
    expect(renewals(sent)).toEqual([
      ['{two}:place', '1', '0', 'b'],
      ['{one}:place', '1', '0', 'a'],
    ])
  })

  test('whose drop did not reach Redis are dropped with the next renewal, once', async () => {
    const { leases, sent, redis } = withClient()
    leases.hold(lease('a'))
    leases.hold(lease('b'))
    redis.isReachable = false
    leases.drop(lease('a'))
    expect(sent).toEqual([])
    await vi.advanceTimersByTimeAsync(20_000)
    expect(renewals(sent)).toEqual([
      ['{t}:place', '1', '1', 'b', 'a'],
      ['{t}:place', '1', '0', 'b'],
    ])
  })

  test('whose drop did not reach Redis for a whole lease are forgotten, because they have expired there', async () => {
    const { leases, sent } = withClient(async () => Promise.reject(new Error('ECONNREFUSED')))
    leases.hold(lease('a'))
    leases.drop(lease('a'))
    await vi.advanceTimersByTimeAsync(50_000)
    expect(renewals(sent).length).toBeLessThanOrEqual(4)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('whose drop got a malformed answer are dropped again with the next renewal', async () => {
    const { leases, sent } = withClient(async ([name]) => (name === 'ZREM' ? '' : 1))
    leases.hold(lease('a'))
    leases.drop(lease('a'))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(renewals(sent)).toEqual([['{t}:place', '0', '1', 'a']])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('are not renewed by a malformed answer', async () => {
    const { leases, failures } = withClient(async () => null)
    leases.hold(lease('a'))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(failures).toEqual([new Error('unexpected answer of the script')])
    leases.drop(lease('a'))
  })

  test('that are dropped while a renewal waits are not renewed', async () => {
    const waiting: ((reply: number) => void)[] = []
    const { leases, sent } = withClient(
      async ([name]) => new Promise((resolve) => (name === 'EVAL' ? waiting.push(resolve) : resolve(1))),
    )
    for (let tag = 0; tag < 40; tag += 1) leases.hold(lease(`id-${tag}`, `tag-${tag}`))
    leases.renew()
    await vi.advanceTimersByTimeAsync(0)
    expect(renewals(sent)).toHaveLength(32)
    for (let tag = 0; tag < 40; tag += 1) leases.drop(lease(`id-${tag}`, `tag-${tag}`))
    for (const answer of waiting.splice(0)) answer(1)
    await vi.advanceTimersByTimeAsync(0)
    const later = renewals(sent).slice(32) as string[][]
    expect(later).toHaveLength(8)
    expect(later.map(([, renewed, dropped]) => [renewed, dropped])).toEqual(
      Array.from({ length: 8 }, () => ['0', '1']),
    )
  })

  test('report a failing renewal once, and again after a successful one', async () => {
    let isDown = true
    const error = new Error('ECONNREFUSED')
    const { leases, failures } = withClient(async () => (isDown ? Promise.reject(error) : 1))
    leases.hold(lease('a'))
    await vi.advanceTimersByTimeAsync(30_000)
    expect(failures).toEqual([error])
    isDown = false
    await vi.advanceTimersByTimeAsync(10_000)
    isDown = true
    await vi.advanceTimersByTimeAsync(10_000)
    expect(failures).toEqual([error, error])
  })

  test('do not queue up while Redis is down', async () => {
    const { leases, sent, failures } = withClient(async () => new Promise(() => undefined))
    for (let tag = 0; tag < 1_000; tag += 1) leases.hold(lease(`id-${tag}`, `tag-${tag}`))
    await vi.advanceTimersByTimeAsync(10_500)
    expect(renewals(sent)).toHaveLength(32)
    expect(failures).toEqual([new DeadlineError(100)])
  })

  test('are renewed one renewal at a time', async () => {
    const { leases, sent } = withClient()
    leases.hold(lease('a'))
    leases.renew()
    leases.renew()
    await vi.advanceTimersByTimeAsync(0)
    expect(renewals(sent)).toHaveLength(1)
  })
})
