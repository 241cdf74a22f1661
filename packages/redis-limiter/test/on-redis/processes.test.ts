import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import type { Admission, AdmissionAsk } from '@sallyport/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { isHere } from '../../../../scripts/servers/available.ts'
import { until } from '../../../../scripts/servers/daemon.ts'
import { startRedis } from '../../../../scripts/servers/redis.ts'
import type { Redis } from '../../../../scripts/servers/redis.ts'
import { createRedisLimiter } from '../../src/redis-limiter.ts'
import { ioRedis } from './clients.ts'
import type { Client } from './clients.ts'
import type { Order } from './worker.ts'

const here = new AbortController().signal
const file = fileURLToPath(new URL('worker.ts', import.meta.url))
const slotsOf = (limit: number): AdmissionAsk => ({
  partition: 'acme',
  quotas: [],
  slots: [{ name: 'downloads', key: ['acme', 'ada'], limit, scope: 'fleet' }],
  cost: 1,
})

interface Worker {
  readonly child: ChildProcess
  readonly tell: (order: Order) => Promise<number>
}

describe.skipIf(!isHere('redis'))('a fleet', { timeout: 60_000 }, () => {
  let redis: Redis
  let client: Client
  let workers: Worker[]
  beforeEach(async () => {
    redis = await startRedis()
    client = await ioRedis(redis.port)
    workers = []
  })
  afterEach(async () => {
    for (const { child } of workers) child.kill('SIGKILL')
    await client.close()
    await redis.close()
  })

  const startWorker = async (options: {
    readonly timeoutMs: number
    readonly leaseMs: number
  }): Promise<Worker> => {
    const child = fork(file, [JSON.stringify({ port: redis.port, ...options })], {
      execArgv: ['--conditions=@sallyport/source', '--disable-warning=ExperimentalWarning'],
    })
    const answer = async (): Promise<number> => {
      const [value] = (await once(child, 'message')) as [number]
      return value
    }
    const tell = async (order: Order): Promise<number> => {
      const answered = answer()
      child.send(order)
      return answered
    }
    workers.push({ child, tell })
    await answer()
    return { child, tell }
  }
  const serverMs = async (): Promise<number> => {
    const [seconds, micros] = (await client.send(['TIME'], '')) as [string, string]
    return Number(seconds) * 1_000 + Number(micros) / 1_000
  }
  const openPlaces = async (): Promise<number> => {
    const keys = (await client.send(['KEYS', '*:s:*'], '')) as string[]
    const counts = await Promise.all(keys.map(async (key) => Number(await client.send(['ZCARD', key], key))))
    return counts.reduce((sum, count) => sum + count, 0)
  }
  const limiterHere = (): ReturnType<typeof createRedisLimiter> =>
    createRedisLimiter({ send: client.send, timeoutMs: 5_000 })
  const release = (admission: Admission): void => {
    if (admission.admitted) admission.release()
  }

  test('of four processes admits the capacity and the refill, to a token per process', async () => {
    const capacity = 200
    const perMs = 5
    const ask: AdmissionAsk = {
      partition: 'acme',
      quotas: [{ name: 'user', key: ['acme', 'ada'], quota: { capacity, refill: 1, perMs } }],
      slots: [],
      cost: 1,
    }
    const fleet = await Promise.all(
      Array.from({ length: 4 }, async () => startWorker({ timeoutMs: 5_000, leaseMs: 30_000 })),
    )
    const before = await serverMs()
    await Promise.all(fleet.map(async ({ tell }) => tell({ does: 'spend', ask })))
    const begun = await serverMs()
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    const ending = await serverMs()
    const admitted = await Promise.all(fleet.map(async ({ tell }) => tell({ does: 'stop' })))
    const after = await serverMs()
    const sum = admitted.reduce((total, count) => total + count, 0)
    expect(sum).toBeGreaterThanOrEqual(capacity + Math.floor((ending - begun) / perMs) - fleet.length)
    expect(sum).toBeLessThanOrEqual(capacity + Math.ceil((after - before) / perMs))
    expect(Math.min(...admitted)).toBeGreaterThan(0)
  })

  test('of four processes with debts and give-backs takes what the bucket gained, and not a token more', async () => {
    const [capacity, perMs] = [100_000, 200] // tokens, and tokens in a millisecond
    const quota = { capacity, refill: 1_000 * perMs, perMs: 1_000 }
    const quotas = [{ name: 'bytes', key: ['acme', 'ada'], quota }]
    const ask: AdmissionAsk = { partition: 'acme', quotas, slots: [], cost: 30_000, allowDebt: true }
    const limiter = limiterHere()
    const fleet = await Promise.all(
      Array.from({ length: 4 }, async () => startWorker({ timeoutMs: 5_000, leaseMs: 30_000 })),
    )
    const before = await serverMs()
    expect(await limiter.admit({ ...ask, cost: 2 * capacity }, here)).toMatchObject({ admitted: true })
    const begun = await serverMs()
    await Promise.all(fleet.map(async ({ tell }, seed) => tell({ does: 'owe', ask, seed })))
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    const kept = await Promise.all(fleet.map(async ({ tell }) => tell({ does: 'stop' })))
    const large = { ...ask, cost: 4 * capacity }
    await until('the debt is paid', async () => (await limiter.admit(large, here)).admitted)
    const ending = await serverMs()
    const last = await limiter.admit(ask, here)
    const after = await serverMs()

    const { retryAfterMs } = { retryAfterMs: 0, ...last }
    const taken = kept.reduce((sum, tokens) => sum + tokens, 6 * capacity)
    // What was taken is the capacity, what the bucket gained until the last ask, and what is still owed then.
    const owed = (retryAfterMs - 1) * perMs
    expect(taken).toBeGreaterThanOrEqual(capacity + Math.floor(ending - begun) * perMs + owed - perMs)
    expect(taken).toBeLessThanOrEqual(capacity + Math.ceil(after - before + 1) * perMs + owed + perMs)
    expect(Math.min(...kept)).toBeGreaterThan(0)
  })

  test('frees the slots of a killed process within the lease', async () => {
    const leaseMs = 1_800
    const worker = await startWorker({ timeoutMs: 300, leaseMs })
    const limiter = limiterHere()
    expect(await worker.tell({ does: 'open', ask: slotsOf(3), times: 4 })).toBe(3)
    await new Promise((resolve) => setTimeout(resolve, 2 * leaseMs))
    expect(await limiter.admit(slotsOf(3), here)).toMatchObject({ admitted: false, by: 'downloads' })

    worker.child.kill('SIGKILL')
    await once(worker.child, 'exit')
    const killed = performance.now()
    expect(await limiter.admit(slotsOf(3), here)).toMatchObject({ admitted: false })
    await until('its slots are free', async () => {
      const admission = await limiter.admit(slotsOf(1), here)
      release(admission)
      return admission.admitted
    })
    expect(performance.now() - killed).toBeLessThan(leaseMs + 500)
    const again = await Promise.all(Array.from({ length: 4 }, async () => limiter.admit(slotsOf(3), here)))
    expect(again.filter(({ admitted }) => admitted)).toHaveLength(3)
  })

  test('counts correctly after a process was stopped for two leases', async () => {
    const leaseMs = 1_200
    const worker = await startWorker({ timeoutMs: 200, leaseMs })
    const limiter = limiterHere()
    expect(await worker.tell({ does: 'open', ask: slotsOf(3), times: 2 })).toBe(2)
    worker.child.kill('SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, 2 * leaseMs))
    const taken = await Promise.all(Array.from({ length: 4 }, async () => limiter.admit(slotsOf(3), here)))
    expect(taken.filter(({ admitted }) => admitted)).toHaveLength(3)

    // Five downloads run now, where three may: it is the truth that is counted, and nobody else is let in.
    worker.child.kill('SIGCONT')
    await until('all that run are counted', async () => (await openPlaces()) === 5)
    expect(await limiter.admit(slotsOf(5), here)).toMatchObject({ admitted: false })
    for (const admission of taken) release(admission)
    expect(await openPlaces()).toBe(2)
    const third = await limiter.admit(slotsOf(3), here)
    expect(third).toMatchObject({ admitted: true })
    expect(await limiter.admit(slotsOf(3), here)).toMatchObject({ admitted: false })

    release(third)
    expect(await worker.tell({ does: 'close' })).toBe(2)
    await until('nothing is counted', async () => (await openPlaces()) === 0)
  })
})
