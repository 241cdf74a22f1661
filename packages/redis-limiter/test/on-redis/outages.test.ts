import type { Admission, AdmissionAsk, RateLimiter } from '@sallyport/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { isHere } from '../../../../scripts/servers/available.ts'
import { until } from '../../../../scripts/servers/daemon.ts'
import { startRedis } from '../../../../scripts/servers/redis.ts'
import type { Redis } from '../../../../scripts/servers/redis.ts'
import { createRedisLimiter } from '../../src/redis-limiter.ts'
import { clients } from './clients.ts'
import type { Client } from './clients.ts'

const here = new AbortController().signal
const TIMER_MS = 50
const ask: AdmissionAsk = {
  partition: 'acme',
  quotas: [{ name: 'user', key: ['acme', 'ada'], quota: { capacity: 40, refill: 1, perMs: 3_600_000 } }],
  slots: [],
  cost: 1,
}
const slots: AdmissionAsk['slots'] = [{ name: 'downloads', key: ['acme', 'ada'], limit: 4, scope: 'fleet' }]
const release = (admission: Admission): void => {
  if (admission.admitted) admission.release()
}
const giveBack = (admission: Admission, bytes: number): void => {
  if (admission.admitted) admission.refund(bytes)
}

const askOnce = async (limiter: RateLimiter): Promise<string> =>
  limiter.admit(ask, here).then(
    ({ admitted }) => (admitted ? 'admitted' : 'refused'),
    (error: { data: { kind: string } }) => error.data.kind,
  )

/** How long this process's own loop has stood still so far, which is no fault of Redis. */
function watchLoop(): { stoodMs: () => number; end: () => void } {
  let [last, stood] = [performance.now(), 0]
  const look = (): void => {
    const now = performance.now()
    stood += Math.max(0, now - last - 2)
    last = now
  }
  const timer = setInterval(look, 1)
  return {
    stoodMs: () => {
      look()
      return stood
    },
    end: () => clearInterval(timer),
  }
}

/** Asks 20 times one by one and 100 times at once. Gives the answers, and the longest wait less what our loop stood. */
async function askMany(limiter: RateLimiter): Promise<{ answers: string[]; longestMs: number }> {
  const { stoodMs, end } = watchLoop()
  let longestMs = 0
  const answers: string[] = []
  const once = async (): Promise<void> => {
    const [start, stood] = [performance.now(), stoodMs()]
    answers.push(await askOnce(limiter))
    longestMs = Math.max(longestMs, performance.now() - start - (stoodMs() - stood))
  }
  for (let step = 0; step < 20; step += 1) await once()
  await Promise.all(Array.from({ length: 100 }, once))
  end()
  return { answers, longestMs }
}

describe.skipIf(!isHere('redis')).each(clients)('by $kind', ({ connect }) => {
  let redis: Redis
  let client: Client
  beforeEach(async () => {
    redis = await startRedis()
    client = await connect(redis.port)
  })
  afterEach(async () => {
    await client.close()
    await redis.close()
  })

  const restart = async (): Promise<void> => {
    await redis.close()
    redis = await startRedis({ port: redis.port })
  }

  const faults: readonly {
    readonly fault: string
    readonly begin: () => Promise<void>
    readonly end: () => Promise<void>
  }[] = [
    {
      fault: 'frozen',
      begin: async () => redis.daemon.freeze(),
      end: async () => redis.daemon.thaw(),
    },
    {
      fault: 'killed, and started anew',
      begin: async () => redis.daemon.end('SIGKILL'),
      end: restart,
    },
    {
      fault: 'out of memory',
      begin: async () => void (await client.send(['CONFIG', 'SET', 'maxmemory', '1'], '')),
      end: async () => void (await client.send(['CONFIG', 'SET', 'maxmemory', '0'], '')),
    },
    {
      fault: 'busy with a script that never ends',
      begin: async () => {
        await client.send(['CONFIG', 'SET', 'busy-reply-threshold', '1'], '')
        const other = await connect(redis.port)
        const ended = other.send(['EVAL', 'while true do end', '0'], '').catch(() => undefined)
        void ended.then(async () => other.close())
      },
      end: async () => void (await client.send(['SCRIPT', 'KILL'], '')),
    },
  ]

  test.each(faults)(
    '$fault: each process admits its share at once, and Redis decides again by itself',
    async ({ begin, end }) => {
      const limiter = createRedisLimiter({ send: client.send, timeoutMs: TIMER_MS, processes: 4 })
      const reported: string[] = []
      limiter.onTrouble?.((code) => reported.push(code))
      await begin()

      const { answers, longestMs } = await askMany(limiter)
      expect(answers.filter((answer) => answer === 'admitted')).toHaveLength(10)
      expect(answers.filter((answer) => answer === 'refused')).toHaveLength(110)
      expect(longestMs).toBeLessThan(20 * TIMER_MS)
      expect(reported).toEqual(['limiter_local'])

      await end()
      await until('service returns', async () => (await limiter.admit(ask, here)).admitted)
      await until('it is reported', async () => {
        await limiter.admit({ ...ask, cost: 0 }, here)
        return reported.length > 1
      })
      expect(reported).toEqual(['limiter_local', 'limiter_back'])
    },
    20_000,
  )

  test.each(faults)(
    '$fault: with onOutage closed, requests are refused at once, and service returns by itself',
    async ({ begin, end }) => {
      const limiter = createRedisLimiter({ send: client.send, timeoutMs: TIMER_MS, onOutage: 'closed' })
      const reported: string[] = []
      limiter.onTrouble?.((code) => reported.push(code))
      await begin()

      const { answers, longestMs } = await askMany(limiter)
      expect(answers.filter((answer) => answer === 'unavailable')).toHaveLength(120)
      expect(longestMs).toBeLessThan(20 * TIMER_MS)
      expect(reported).toEqual(['limiter_closed'])

      await end()
      await until(
        'requests are admitted again',
        async () => (await askOnce(limiter)) === 'admitted' && reported.length > 1,
      )
      expect(reported).toEqual(['limiter_closed', 'limiter_back'])
    },
    20_000,
  )

  test('a budget of bytes: each process admits its share with a debt, and Redis forgets a debt with its data', async () => {
    const quota = { capacity: 40_000, refill: 1, perMs: 3_600_000 }
    const download: AdmissionAsk = {
      ...ask,
      quotas: [{ name: 'bytes', key: ['acme', 'ada'], quota }],
      cost: 1_000_000,
      allowDebt: true,
    }
    const limiter = createRedisLimiter({ send: client.send, timeoutMs: TIMER_MS, processes: 4 })
    const reported: string[] = []
    limiter.onTrouble?.((code) => reported.push(code))
    const paid = await limiter.admit(download, here)
    expect(paid.admitted).toBe(true)
    expect(await limiter.admit(download, here)).toMatchObject({ admitted: false, by: 'bytes' })

    await redis.daemon.end('SIGKILL')
    const during = [await limiter.admit(download, here), await limiter.admit(download, here)]
    expect(during.map(({ admitted }) => admitted)).toEqual([true, false])
    giveBack(paid, 1_000_000) // is lost, because Redis is down

    await restart()
    await until('service returns', async () => {
      await limiter.admit({ ...download, cost: 0 }, here)
      return reported.includes('limiter_back')
    })
    expect(await limiter.admit(download, here)).toMatchObject({ admitted: true, left: [{ tokens: 0 }] })
    expect(await limiter.admit(download, here)).toMatchObject({ admitted: false, by: 'bytes' })
  }, 20_000)

  test('an answer after the timeout spends one token and takes no slot', async () => {
    const limiter = createRedisLimiter({ send: client.send, timeoutMs: TIMER_MS, onOutage: 'closed' })
    const patient = createRedisLimiter({ send: client.send, timeoutMs: 5_000 })
    await patient.admit(ask, here)
    redis.daemon.freeze()
    await expect(limiter.admit({ ...ask, slots }, here)).rejects.toMatchObject({
      data: { kind: 'unavailable' },
    })
    redis.daemon.thaw()
    expect(await patient.admit({ ...ask, cost: 0 }, here)).toMatchObject({
      admitted: true,
      left: [{ tokens: 38 }],
    })
    expect(await client.send(['KEYS', '*:s:*'], '')).toEqual([])
  })

  test('a slot that was granted during an outage is in Redis after it', async () => {
    const limiter = createRedisLimiter({ send: client.send, timeoutMs: TIMER_MS, leaseMs: 3_000 })
    const other = createRedisLimiter({ send: client.send, timeoutMs: 5_000 })
    await redis.daemon.end('SIGKILL')
    const admissions: Admission[] = []
    for (let step = 0; step < 4; step += 1) admissions.push(await limiter.admit({ ...ask, slots }, here))
    expect(admissions.map(({ admitted }) => admitted)).toEqual([true, true, true, true])
    await restart()
    await until('Redis knows of four places', async () => {
      const [place = ''] = (await client.send(['KEYS', '*:s:*'], '')) as string[]
      return place !== '' && Number(await client.send(['ZCARD', place], place)) === 4
    })
    expect(await other.admit({ ...ask, quotas: [], slots }, here)).toMatchObject({
      admitted: false,
      by: 'downloads',
    })
    for (const admission of admissions) release(admission)
    expect(await other.admit({ ...ask, quotas: [], slots }, here)).toMatchObject({ admitted: true })
  })

  test('an empty Redis gets the running downloads within one renewal', async () => {
    const leaseMs = 6_000
    const limiter = createRedisLimiter({ send: client.send, timeoutMs: 500, leaseMs })
    const admissions = await Promise.all([
      limiter.admit({ ...ask, slots }, here),
      limiter.admit({ ...ask, slots }, here),
    ])
    const [place = ''] = (await client.send(['KEYS', '*:s:*'], '')) as string[]
    await redis.daemon.end('SIGKILL')
    await restart()
    const start = performance.now()
    await until(
      'Redis knows of two places',
      async () => Number(await client.send(['ZCARD', place], place)) === 2,
    )
    expect(performance.now() - start).toBeLessThan(leaseMs / 3 + 1_500)
    for (const admission of admissions) release(admission)
    expect(await client.send(['ZCARD', place], place)).toBe(0)
  })

  test('a slot that was released during an outage is free after it', async () => {
    const limiter = createRedisLimiter({ send: client.send, timeoutMs: TIMER_MS, leaseMs: 60_000 })
    const admission = await limiter.admit({ ...ask, quotas: [], slots }, here)
    const [place = ''] = (await client.send(['KEYS', '*:s:*'], '')) as string[]
    const reported: string[] = []
    limiter.onTrouble?.((code) => reported.push(code))
    redis.daemon.freeze()
    await askMany(limiter)
    release(admission)
    redis.daemon.thaw()
    await until('service returns', async () => {
      await limiter.admit({ ...ask, cost: 0 }, here)
      return reported.includes('limiter_back')
    })
    const open = async (): Promise<number> => Number(await client.send(['ZCARD', place], place))
    await until('the place is free', async () => (await open()) === 0)
    expect(await open()).toBe(0)
  }, 20_000)
})
