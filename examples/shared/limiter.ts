import type { RateLimiter } from '@sallyport/core'

import type { Settings } from './environment.ts'

/**
 * Counts together with every process that uses the same Redis; `undefined`: in this process alone. While Redis is away,
 * also at the start, each process applies its part of the limits, one of `processes`, and the client keeps reconnecting.
 */
export async function openLimiter({
  redis,
  processes,
}: Pick<Settings, 'redis' | 'processes'>): Promise<RateLimiter | undefined> {
  if (!redis) return undefined
  const { createClient } = await import('redis')
  const { createRedisLimiter } = await import('@sallyport/redis-limiter')
  const client = createClient({
    url: redis.href,
    disableOfflineQueue: true,
    socket: { connectTimeout: 2_000, reconnectStrategy: (retries) => Math.min(2_000, 50 * 2 ** retries) },
  })
  client.on('error', () => undefined) // the limiter reports it, once per outage
  void client.connect().catch(() => undefined)
  return createRedisLimiter({ send: (command) => client.sendCommand([...command]), processes })
}
