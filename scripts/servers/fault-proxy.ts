import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** The faults of one connection. Without one, bytes pass unchanged. */
interface Rule {
  /** Resets the connection as soon as it is open. */
  readonly refuse?: boolean
  /** Sent instead of the store's response to the first request. Then the connection ends. */
  readonly answer?: string
  /** Milliseconds before the first byte of the first response. */
  readonly latencyMs?: number
  /** Bytes per second towards the client. */
  readonly bytesPerSecond?: number
  /** How many milliseconds of idle or late time such a connection may catch up. @defaultValue 500 */
  readonly catchUpMs?: number
  /** The number of bytes to the client after which `then` happens. */
  readonly cutAfter?: number
  /** What happens then: the connection is reset, ended, or stalls. @defaultValue `'reset'` */
  readonly how?: 'reset' | 'end' | 'stall'
}

/** The rule for the nth connection, from 1. The connection waits for a promise. */
export type RuleFor = (nth: number) => Rule | Promise<Rule>

/** The traffic of one connection. */
interface Traffic {
  /** The number of the connection, from 1. */
  readonly nth: number
  /** The heads of its requests, unchanged. */
  readonly requests: string[]
  /** Bytes to the client, including response heads. */
  down: number
  /** Of these, the bytes of the first response head. */
  head: number
  open: boolean
}

/** A TCP proxy between a store and its client. It counts requests and bytes, and injects faults. */
export interface FaultProxy {
  readonly port: number
  readonly traffic: readonly Traffic[]
  /** The heads of all requests, in order of arrival. */
  readonly requests: readonly string[]
  /** Bytes to the client, over all connections. */
  down(): number
  openNow(): number
  setRule(rule: RuleFor): void
  /** How many responses were being sent at the same time, as an average over all bytes. */
  averageMoving(): number
  /** Resets the counts. */
  reset(): void
  killAll(): void
  close(): Promise<void>
}

const CATCH_UP_MS = 500
const SLICE_MS = 10

/** Starts the proxy on a free port of 127.0.0.1, before a server on another port. */
export async function startFaultProxy(
  upstreamPort: number,
  firstRule: RuleFor = () => ({}),
): Promise<FaultProxy> {
  let rule = firstRule
  let made = 0
  const traffic: Traffic[] = []
  const requests: string[] = []
  const answering = new Set<Traffic>()
  let weighed = { bytes: 0, moving: 0 }
  const kills = new Set<() => void>()

  const handle = async (client: Socket): Promise<void> => {
    made += 1
    const record: Traffic = { nth: made, requests: [], down: 0, head: 0, open: true }
    traffic.push(record)
    client.on('error', ignore)
    const terms = await rule(record.nth)
    if (terms.refuse) {
      record.open = false
      client.resetAndDestroy()
      return
    }
    const { answer } = terms
    if (answer !== undefined) {
      client.once('data', () => client.end(answer))
      client.resume()
      return
    }
    const upstream = connect(upstreamPort, '127.0.0.1')
    upstream.on('error', () => client.resetAndDestroy())
    const kill = (): void => {
      client.resetAndDestroy()
      upstream.destroy()
    }
    kills.add(kill)
    client.on('close', () => {
      record.open = false
      kills.delete(kill)
      answering.delete(record)
      upstream.destroy()
    })
    client.on('data', (bytes) => {
      for (const head of headsIn(bytes)) {
        record.requests.push(head)
        requests.push(head)
      }
      upstream.write(bytes)
    })
    client.resume()
    let left = 0
    const count = (slice: Buffer): void => {
      if (left <= 0) left = answerSize(slice)
      if (record.head === 0) record.head = slice.indexOf('\r\n\r\n') + 4
      record.down += slice.length
      answering.add(record)
      weighed = {
        bytes: weighed.bytes + slice.length,
        moving: weighed.moving + slice.length * answering.size,
      }
      left -= slice.length
      if (left <= 0) answering.delete(record)
    }
    pump(upstream, client, terms, count, record).catch(ignore)
  }

  const server = createServer({ pauseOnConnect: true }, (client) => void handle(client)).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    traffic,
    requests,
    down: () => traffic.reduce((sum, { down }) => sum + down, 0),
    openNow: () => traffic.filter(({ open }) => open).length,
    setRule: (next) => {
      rule = next
    },
    averageMoving: () => weighed.moving / weighed.bytes,
    reset: () => {
      made = 0
      traffic.length = 0
      requests.length = 0
      answering.clear()
      weighed = { bytes: 0, moving: 0 }
    },
    killAll: () => {
      for (const kill of kills) kill()
    },
    close: async () => {
      for (const kill of kills) kill()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Sends bytes to the client as the rule says. */
async function pump(
  upstream: Socket,
  client: Socket,
  rule: Rule,
  count: (slice: Buffer) => void,
  record: Traffic,
): Promise<void> {
  const { latencyMs, bytesPerSecond, catchUpMs = CATCH_UP_MS, cutAfter = Infinity, how = 'reset' } = rule
  let first = true
  let dueAt = 0
  // Leaving the loop would destroy the connection, so a stall would become a reset.
  for await (const bytes of upstream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    if (first && latencyMs) await sleep(latencyMs)
    first = false
    const share = bytesPerSecond === undefined ? bytes.length : Math.ceil((bytesPerSecond * SLICE_MS) / 1000)
    for (let at = 0; at < bytes.length; at += share) {
      const slice = bytes.subarray(at, Math.min(at + share, bytes.length, at + cutAfter - record.down))
      if (client.destroyed) return
      count(slice)
      await new Promise<void>((resolve) => client.write(slice, () => resolve()))
      if (record.down >= cutAfter) return cut(upstream, client, how)
      if (bytesPerSecond === undefined) continue
      // Uses the clock, so that a late timer does not slow a connection down. Longer idle time is not caught up.
      const now = performance.now()
      dueAt = Math.max(dueAt, now - catchUpMs) + (slice.length / bytesPerSecond) * 1000
      if (dueAt > now) await sleep(dueAt - now)
    }
  }
  client.end()
}

function cut(upstream: Socket, client: Socket, how: 'reset' | 'end' | 'stall'): void {
  if (how === 'stall') return
  if (how === 'end') client.end()
  else client.resetAndDestroy()
  upstream.destroy()
}

/** Bytes of the response that begins here, with its head. Without Content-Length, only the bytes of the head. */
function answerSize(slice: Buffer): number {
  const head = slice.indexOf('\r\n\r\n') + 4
  const length = /^content-length: (\d+)\r$/im.exec(slice.toString('latin1', 0, head))?.[1]
  return head + Number(length ?? 0)
}

const REQUEST_HEAD = /(?:GET|HEAD|PUT|POST|DELETE) \S+ HTTP\/1\.1\r\n(?:[^\r\n]+\r\n)*\r\n/g

const headsIn = (bytes: Buffer): readonly string[] => bytes.toString('latin1').match(REQUEST_HEAD) ?? []

const ignore = (): void => {}
