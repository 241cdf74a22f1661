import type { Admission } from '@sallyport/core'
import { afterEach, beforeEach, describe, vi } from 'vitest'

import { type Behaviours, testOptions } from '../../../scripts/test-options.ts'
import { resolveOptions } from '../src/options.ts'
import { createRedisLimiter } from '../src/redis-limiter.ts'
import type { Command, RedisLimiterOptions } from '../src/redis-limiter.ts'

const { signal } = new AbortController()
const ask = {
  partition: 'acme',
  quotas: [{ name: 'user', key: ['ada'], quota: { capacity: 60, refill: 1, perMs: 1_000 } }],
  slots: [{ name: 'downloads', key: ['ada'], limit: 4, scope: 'fleet' }],
  cost: 1,
} as const
const admits: RedisLimiterOptions['send'] = async () => [0, 0, 59, 1_000]
const refuses: RedisLimiterOptions['send'] = async () => [1, 350, 0, 350]
const fails: RedisLimiterOptions['send'] = async () => Promise.reject(new Error('ECONNREFUSED'))
const hangs: RedisLimiterOptions['send'] = () => new Promise(() => undefined)

type Changes = Partial<RedisLimiterOptions>
const admission = (changes: Changes): Promise<Admission> =>
  createRedisLimiter({ send: admits, ...changes }).admit(ask, signal)
/** Tokens that are left; `undefined`: no admission. */
const left = async (changes: Changes): Promise<number | undefined> =>
  (await admission(changes).catch(() => undefined))?.left[0]?.tokens

const behaviours: Behaviours<RedisLimiterOptions> = {
  send: {
    see: async (changes) => (await admission(changes)).admitted,
    before: true,
    after: [[{ send: refuses }, false]],
  },
  prefix: {
    see: async (changes) => {
      const keys: string[] = []
      const send = (command: Command, key: string): Promise<unknown> => {
        keys.push(key.split(':')[0] ?? '')
        return admits(command, key)
      }
      await admission({ ...changes, send })
      return keys
    },
    before: ['sallyport'],
    after: [[{ prefix: 'exports' }, ['exports']]],
  },
  timeoutMs: {
    // How long one request waits for a Redis that does not answer.
    see: async (changes) => {
      const from = performance.now()
      const took = admission({ ...changes, send: hangs }).then(() => performance.now() - from)
      await vi.advanceTimersByTimeAsync(1_000)
      return Math.floor((await took) / 10) * 10
    },
    before: 50,
    after: [[{ timeoutMs: 400 }, 400]],
  },
  leaseMs: {
    // A lease is renewed at a third of its life.
    see: async (changes) => {
      const times: number[] = []
      const send = (command: Command, key: string): Promise<unknown> => {
        times.push(performance.now())
        return admits(command, key)
      }
      const held = await admission({ ...changes, send })
      await vi.advanceTimersByTimeAsync(29_000)
      if (held.admitted) held.release()
      return Math.round(((times[1] ?? 0) - (times[0] ?? 0)) * 3)
    },
    before: 30_000,
    after: [[{ leaseMs: 6_000 }, 6_000]],
  },
  onOutage: {
    see: (changes) => left({ send: fails, ...changes }),
    before: 59,
    after: [[{ onOutage: 'closed' }, undefined]],
  },
  processes: {
    see: (changes) => left({ send: fails, ...changes }),
    before: 59,
    after: [[{ processes: 6 }, 9]],
  },
}

describe('createRedisLimiter', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())
  testOptions({
    name: 'createRedisLimiter',
    create: createRedisLimiter,
    resolve: resolveOptions,
    sound: { send: admits },
    behaviours,
  })
})
