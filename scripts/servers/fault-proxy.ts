import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What happens to one connection. Nothing named: bytes go straight through. */
interface Rule {
  /** Reset as soon as it is made. */
  readonly refuse?: boolean
  /** Sent in place of the store's answer to the first request, before the connection ends. */
  readonly answer?: string
  /** Milliseconds before the first byte of the first answer. */
  readonly latencyMs?: number
  /** Bytes per second towards the client. */
  readonly bytesPerSecond?: number
  /** Milliseconds that such a connection makes up for, where it had nothing to send or was late. @defaultValue 500 */
  readonly catchUpMs?: number
  /** After so many bytes towards the client … */
  readonly cutAfter?: number
  /** … the connection is reset, ended, or goes silent. @defaultValue `'reset'` */
  readonly how?: 'reset' | 'end' | 'stall'
}

/** The rule for the nth connection, from 1. A promise holds the connection back. */
export type RuleFor = (nth: number) => Rule | Promise<Rule>

/** What went through one connection. */
interface Traffic {
  /** 1 for the first. */
  readonly nth: number
  /** The heads of the requests, as they were written. */
  readonly requests: string[]
  /** Bytes towards the client, heads of answers included. */
  down: number
  /** Of these, the head of the first answer. */
  head: number
  open: boolean
}

/** A TCP proxy between a store's client and the store, that counts and breaks things. */
export interface FaultProxy {
  readonly port: number
  readonly traffic: readonly Traffic[]
  /** The heads of all requests, in the order in which they came. */
  readonly requests: readonly string[]
  /** Bytes towards the client, over all connections. */
  down(): number
  openNow(): number
  setRule(rule: RuleFor): void
  /** How many answers were on their way while a byte went towards the client, on average over all bytes. */
  averageMoving(): number
  /** Forgets what was counted. */
  reset(): void
  killAll(): void
  close(): Promise<void>
}

const CATCH_UP_MS = 500
const SLICE_MS = 10

/** Starts it on a free port of 127.0.0.1, before a server on another one. */
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

/** Carries bytes towards the client, as the rule has it. */
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
  // A loop that is left would destroy the connection, and a stall would be a reset.
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
      // By the clock, so that a late timer slows no connection down; what was idle longer is not made up for.
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

/** Bytes of the answer that begins here, its head included; of a head alone where it names no length. */
function answerSize(slice: Buffer): number {
  const head = slice.indexOf('\r\n\r\n') + 4
  const length = /^content-length: (\d+)\r$/im.exec(slice.toString('latin1', 0, head))?.[1]
  return head + Number(length ?? 0)
}

const REQUEST_HEAD = /(?:GET|HEAD|PUT|POST|DELETE) \S+ HTTP\/1\.1\r\n(?:[^\r\n]+\r\n)*\r\n/g

const headsIn = (bytes: Buffer): readonly string[] => bytes.toString('latin1').match(REQUEST_HEAD) ?? []

const ignore = (): void => {}
