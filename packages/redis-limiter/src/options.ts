import * as check from '@sallyport/core/check-options'

import type { Send } from './script.ts'

/** The options of `createRedisLimiter`. */
export interface RedisLimiterOptions {
  /**
   * Sends a command with the host's Redis client. In a cluster, `key` decides which node gets it.
   *
   * - node-redis: `(command) => client.sendCommand(command)`
   * - its cluster: `(command, key) => cluster.sendCommand(key, false, [...command])`
   * - ioredis, its cluster too: `(command) => client.call(...command)`
   */
  readonly send: Send
  /**
   * The start of every key. It must not contain braces, because they choose the node of a cluster.
   * @defaultValue `'sallyport'`
   */
  readonly prefix?: string
  /**
   * How long one admission waits for Redis, in milliseconds. The limiter's own timer, independent of the client's timeouts.
   * @defaultValue 50
   */
  readonly timeoutMs?: number
  /**
   * Milliseconds after which the slots of a process that died become free. Running processes renew their slots three times in
   * this time. Must be the same in all processes.
   * @defaultValue 30_000
   */
  readonly leaseMs?: number
  /**
   * What happens while Redis gives no usable answer. `'local'`: each process admits its share, counted in its memory.
   * `'closed'`: every request is refused with `'unavailable'`.
   * @defaultValue `'local'`
   */
  readonly onOutage?: 'local' | 'closed'
  /**
   * The number of processes. During an outage, quotas and slots are divided by it.
   * @defaultValue 1
   */
  readonly processes?: number
}

const eachOption = check.object<RedisLimiterOptions>(
  '{ send, prefix?, timeoutMs?, leaseMs?, onOutage?, processes? }',
  {
    send: check.fn<Send>('(command, key) => Promise<reply>'),
    prefix: check
      .accept<string>(
        'text without braces',
        (value): value is string => typeof value === 'string' && !/[{}]/.test(value),
        check.shown,
      )
      .optional(),
    timeoutMs: check.milliseconds('how long one admission waits for Redis', 10, 60_000).optional(),
    leaseMs: check.milliseconds('the life of a lease', 600, 86_400_000).optional(),
    onOutage: check.oneOf('local', 'closed').optional(),
    processes: check.whole('processes', 1, 1_000_000).optional(),
  },
)
/** A lease is renewed at a third of its life, and one renewal may wait for two timeouts. */
const optionsCheck = check.refine<RedisLimiterOptions>(
  'options whose leaseMs is at least six times timeoutMs',
  eachOption,
  ({ leaseMs = LEASE_MS, timeoutMs = TIMEOUT_MS }) => leaseMs >= 6 * timeoutMs,
  ({ leaseMs = LEASE_MS, timeoutMs = TIMEOUT_MS }) => `leaseMs ${leaseMs} and timeoutMs ${timeoutMs}`,
)

const TIMEOUT_MS = 50
const LEASE_MS = 30_000

/** Checks the options and fills the defaults. */
export function resolveOptions(options: RedisLimiterOptions): Required<RedisLimiterOptions> {
  check.checkOptions('createRedisLimiter', options, optionsCheck)
  const { send, prefix = 'sallyport', timeoutMs = TIMEOUT_MS, leaseMs = LEASE_MS } = options
  const { onOutage = 'local', processes = 1 } = options
  return { send, prefix, timeoutMs, leaseMs, onOutage, processes }
}
