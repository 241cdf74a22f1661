import { createExportHandler } from '@sallyport/core'
import type { ExportEvent, ExportResponse } from '@sallyport/core'
import { createMemoryStore } from '@sallyport/core/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { isHere } from '../../../../scripts/servers/available.ts'
import { until } from '../../../../scripts/servers/daemon.ts'
import { startRedis } from '../../../../scripts/servers/redis.ts'
import type { Redis } from '../../../../scripts/servers/redis.ts'
import { createRedisLimiter } from '../../src/redis-limiter.ts'
import type { RedisLimiterOptions } from '../../src/redis-limiter.ts'
import { clients } from './clients.ts'
import type { Client } from './clients.ts'

// Which codes a host reads in `trouble` events when its limiter loses Redis.

const exportId = '0f0e0d0c-0b0a-4908-8706-050403020100'

describe.skipIf(!isHere('redis')).each(clients.slice(0, 1))('through the guard, by $kind', ({ connect }) => {
  let redis: Redis
  let client: Client
  beforeEach(async () => {
    redis = await startRedis()
    client = await connect(redis.port)
  })
  afterEach(async () => {
    redis.daemon.thaw()
    await client.close()
    await redis.close()
  })

  /** A guard on this Redis, and the codes that its host has read. `download` reads the body, `open` leaves it. */
  function guard(
    options: Omit<RedisLimiterOptions, 'send'>,
    perPrincipal = { capacity: 1_000, refill: 1, perMs: 1_000 },
  ): {
    readonly codes: string[]
    readonly open: () => Promise<ExportResponse>
    readonly download: () => Promise<number>
  } {
    const codes: string[] = []
    const { handle } = createExportHandler({
      verifier: {
        verify: async () => ({
          issuer: 'https://issuer.test',
          subject: 'ann',
          organizations: ['acme'],
          capabilities: ['download'],
          claims: {},
        }),
      },
      tenancy: { mode: 'single', tenant: { id: 't-1', name: 'acme' } },
      capability: 'download',
      findExport: async () => ({
        id: exportId,
        tenantId: 't-1',
        key: 'object',
        format: 'jsonl',
        state: 'ready',
      }),
      store: createMemoryStore({ object: '{}\n' }),
      limits: {
        perPrincipal: () => perPrincipal,
        cost: { download: 2 },
        limiter: createRedisLimiter({ send: client.send, timeoutMs: 50, ...options }),
      },
      onEvent: (event: ExportEvent) => {
        if (event.type === 'trouble') codes.push(`${event.port} ${event.code}`)
      },
    })
    const open = (): Promise<ExportResponse> =>
      handle({
        method: 'GET',
        params: { exportId },
        header: (name) => (name === 'authorization' ? 'Bearer token' : undefined),
        signal: new AbortController().signal,
      })
    const download = async (): Promise<number> => {
      const { status, body } = await open()
      for await (const chunk of body ?? []) expect(chunk.length).toBeGreaterThan(0)
      return status
    }
    return { codes, open, download }
  }

  test('and the process admits its share: reports when the outage begins and when it ends', async () => {
    const { codes, download } = guard({})
    expect(await download()).toBe(200)
    redis.daemon.freeze()
    expect([await download(), await download()]).toEqual([200, 200])
    expect(codes).toEqual(['limiter limiter_local'])
    redis.daemon.thaw()
    await until('the end of the outage is reported', async () => {
      await download()
      return codes.length > 1
    })
    expect(codes).toEqual(['limiter limiter_local', 'limiter limiter_back'])
  })

  test('and every request is refused: reports once per refused request, too', async () => {
    const { codes, download } = guard({ onOutage: 'closed' })
    redis.daemon.freeze()
    expect([await download(), await download()]).toEqual([503, 503])
    expect(codes).toEqual([
      'limiter limiter_closed',
      'limiter limiter_unavailable',
      'limiter limiter_unavailable',
    ])
  })

  test('and leases of running downloads cannot be renewed', async () => {
    const { codes, open } = guard({ leaseMs: 1_000 })
    const { status, body } = await open()
    redis.daemon.freeze()
    await until('a renewal fails', async () => codes.length > 0)
    expect([status, body?.length, codes]).toEqual([200, 3, ['limiter limiter_renewal_failed']])
  })

  test('and a request that asks for more than a bucket holds is a failure', async () => {
    const { codes, download } = guard({}, { capacity: 1, refill: 1, perMs: 1_000 })
    expect(await download()).toBe(503)
    expect(codes).toEqual(['limiter limiter_failed'])
  })
})
