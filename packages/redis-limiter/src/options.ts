import type { Send } from './script.ts'

/** How the limiter reaches Redis, and what it does while Redis does not answer. */
export interface RedisLimiterOptions {
  /**
   * Sends a command by a client that the host made; `key` tells a cluster's client the node.
   *
   * - node-redis: `(command) => client.sendCommand(command)`
   * - its cluster: `(command, key) => cluster.sendCommand(key, false, [...command])`
   * - ioredis, its cluster too: `(command) => client.call(...command)`
   */
  readonly send: Send
  /**
   * Begins every key. Without braces, which would choose a cluster's node.
   * @defaultValue `'sallyport'`
   */
  readonly prefix?: string
  /**
   * Milliseconds that one admission waits for Redis, by our own timer, whatever timeouts the client has.
   * @defaultValue 50
   */
  readonly timeoutMs?: number
  /**
   * Milliseconds after which the slots of a process that died are free. Renewed at a third of it; the same in all processes.
   * @defaultValue 30_000
   */
  readonly leaseMs?: number
  /**
   * What happens while Redis does not answer, or does not answer as the script does. `'local'`: each process admits its share,
   * counted in its memory. `'closed'`: every request is refused `'unavailable'`.
   * @defaultValue `'local'`
   */
  readonly onOutage?: 'local' | 'closed'
  /**
   * The number of processes among which an outage divides quotas and slots.
   * @defaultValue 1
   */
  readonly processes?: number
}

const NAMES: readonly string[] = ['send', 'prefix', 'timeoutMs', 'leaseMs', 'onOutage', 'processes']

/** Checks the options and fills the defaults. */
export function checked(options: RedisLimiterOptions): Required<RedisLimiterOptions> {
  const {
    send,
    prefix = 'sallyport',
    timeoutMs = 50,
    leaseMs = 30_000,
    onOutage = 'local',
    processes = 1,
  } = options
  for (const name of Object.keys(options))
    if (!NAMES.includes(name))
      throw new TypeError(`${name}: unknown option; write one of ${NAMES.join(', ')}`)
  if (typeof send !== 'function')
    throw new TypeError('send: write a function (command, key) => Promise<reply>')
  if (typeof prefix !== 'string' || /[{}]/.test(prefix))
    throw new RangeError('prefix: write text without braces')
  if (!isWithin(timeoutMs, 1, 60_000))
    throw new RangeError('timeoutMs: write whole milliseconds from 1 to 60000')
  if (!isWithin(leaseMs, 6 * timeoutMs, 86_400_000))
    throw new RangeError('leaseMs: write whole milliseconds from six times timeoutMs to 86400000')
  if (!['local', 'closed'].includes(onOutage)) throw new RangeError("onOutage: write 'local' or 'closed'")
  if (!isWithin(processes, 1, 1_000_000))
    throw new RangeError('processes: write a whole number from 1 to 1000000')
  return { send, prefix, timeoutMs, leaseMs, onOutage, processes }
}

const isWithin = (value: number, least: number, most: number): boolean =>
  Number.isSafeInteger(value) && value >= least && value <= most
