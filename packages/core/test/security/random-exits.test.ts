import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  connect as connectHttp2,
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'

import { describe, expect, test } from 'vitest'

import { openFiles } from '../../../../scripts/servers/open-files.ts'
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import { serveNode } from '../../src/node/serve-node.ts'
import type { RateLimiter } from '../../src/ports.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { counting } from '../exact-bytes/counting.ts'
import { exportId, key, openGuard, path, until } from '../exact-bytes/guard.ts'

type Request = IncomingMessage | Http2ServerRequest
type Response = ServerResponse | Http2ServerResponse
type Method = 'writeHead' | 'write' | 'end'

const size = 70_000
const fail = (): never => {
  throw new Error('a middleware')
}

/** Does something before or behind the nth call of a method of the response, as a middleware can. */
function at(
  response: Response,
  method: Method,
  nth: number,
  does: () => void,
  when: 'before' | 'behind',
): void {
  const call = response[method] as (...args: unknown[]) => unknown
  let calls = 0
  Object.assign(response, {
    [method](this: Response, ...args: unknown[]): unknown {
      calls += 1
      if (calls === nth && when === 'before') does()
      const result = Reflect.apply(call, response, args)
      if (calls === nth && when === 'behind') does()
      return result
    },
  })
}

/** What a host, its middleware or a network may do to an answer. `pick(n)` gives a whole number below n. */
const exits: readonly ((response: Response, request: Request, pick: (n: number) => number) => void)[] = [
  () => undefined,
  (response) => at(response, 'writeHead', 1, fail, 'before'),
  (response) => at(response, 'writeHead', 1, fail, 'behind'),
  (response, _, pick) => at(response, 'write', 1 + pick(4), fail, 'before'),
  (response, _, pick) => at(response, 'write', 1 + pick(4), fail, 'behind'),
  (response) => at(response, 'end', 1, fail, 'before'),
  (response) => at(response, 'end', 1, fail, 'behind'),
  (response) => at(response, 'writeHead', 1, () => response.destroy(), 'before'),
  (response) => at(response, 'writeHead', 1, () => response.destroy(), 'behind'),
  (response, _, pick) => at(response, 'write', 1 + pick(4), () => response.destroy(), 'before'),
  (response, _, pick) => at(response, 'write', 1 + pick(4), () => response.destroy(), 'behind'),
  (response) => at(response, 'end', 1, () => response.destroy(), 'behind'),
  (_, request, pick) => later(pick, () => request.destroy()),
  (response, _, pick) => later(pick, () => response.destroy()),
  (response, _, pick) =>
    later(pick, () => {
      if (response.headersSent || response.destroyed) return
      response.statusCode = 503
      response.end('too late')
    }),
  (response) => {
    // A reason phrase that cannot be sent. HTTP/2 has none.
    if (!('stream' in response)) response.statusMessage = '\u0100'
  },
]

/** At once, or up to three turns of the event loop later. */
function later(pick: (n: number) => number, does: () => void): void {
  let turns = pick(4)
  const turn = (): void => {
    if (turns === 0) return does()
    turns -= 1
    setImmediate(turn)
  }
  turn()
}

/** The same numbers in every run (a linear congruential generator, MINSTD). */
function createPick(seed: number): (n: number) => number {
  let state = seed
  return (n) => {
    state = (state * 48_271) % 2_147_483_647
    return state % n
  }
}

/** A limiter that counts the admissions that are not released, and the bytes that were paid and not given back. */
function countingLimiter(): { limiter: RateLimiter; held: () => number; bytesPaid: () => number } {
  const memory = createMemoryLimiter({ maxKeys: 1_000 })
  let held = 0
  let bytesPaid = 0
  const admit: RateLimiter['admit'] = async (ask, signal) => {
    const admission = await memory.admit(ask, signal)
    if (!admission.admitted) return admission
    held += 1
    if (ask.allowDebt === true) bytesPaid += ask.cost
    return {
      ...admission,
      release: () => {
        held -= 1
        admission.release()
      },
      refund: (tokens) => {
        if (ask.allowDebt === true) bytesPaid -= tokens
        admission.refund(tokens)
      },
    }
  }
  return { limiter: { admit }, held: () => held, bytesPaid: () => bytesPaid }
}

test(
  '10,000 answers that fail at random points leave nothing behind, pay what they sent, and each is reported once',
  { timeout: 120_000 },
  async () => {
    const store = counting(createMemoryStore({ [key]: new Uint8Array(size) }))
    const { limiter, held, bytesPaid } = countingLimiter()
    const budget = { capacity: 1e12, refill: 1, perMs: 1_000 }
    const generous = { capacity: 1_000_000, refill: 1_000_000, perMs: 100 }
    const guard = openGuard(store, {
      limits: {
        perPrincipal: generous,
        bytes: { perPrincipal: budget },
        concurrent: { perPrincipal: 10_000 },
        limiter,
      },
    })
    const pick = createPick(42)
    const counts = { served: 0, over: 0, asked: 0 }
    const handle: typeof guard.handler.handle = (request) => {
      counts.asked += 1
      return guard.handler.handle(request)
    }
    const answer = (request: Request, response: Response): void => {
      counts.served += 1
      const exit = exits[pick(exits.length)]
      exit?.(response, request, pick)
      void serveNode({ handle }, request, response, { params: { exportId } }).then(() => (counts.over += 1))
    }
    const before = processHolds()
    const plain = await listen(createServer(answer))
    for (let round = 0; round < 70; round += 1) {
      await Promise.all(Array.from({ length: 50 }, () => pipelined(plain.port, pick(3 * size))))
    }
    const http2 = await listen(createHttp2Server(answer))
    for (let round = 0; round < 100; round += 1) await streams(http2.port, 30, pick)

    await until(() => counts.over === counts.served && plain.open() === 0 && http2.open() === 0)
    expect(counts.served).toBeGreaterThan(9_000)
    const idsOf = (...types: readonly string[]): readonly (string | undefined)[] =>
      guard.events.flatMap(({ type, id }) => (types.includes(type) ? [id] : []))
    const over = idsOf('download_ended', 'request_ended')
    expect([over.length, new Set(over).size]).toEqual([counts.asked, counts.asked])
    expect(idsOf('download_started')).toHaveLength(idsOf('download_ended').length)
    expect(new Set(idsOf('download_started'))).toEqual(new Set(idsOf('download_ended')))
    expect([store.open(), held(), guard.handler.downloads()]).toEqual([0, 0, []])
    const sent = guard.ended().reduce((sum, { bytesSent = 0 }) => sum + bytesSent, 0)
    expect(sent).toBeGreaterThan(0)
    expect(bytesPaid()).toBe(sent)
    await plain.close()
    await http2.close()
    const grown = (): string[] =>
      Object.entries(processHolds()).flatMap(([what, count]) => (count > (before[what] ?? 0) ? [what] : []))
    await expect.poll(grown, { timeout: 5_000 }).toEqual([])
  },
)

const ended: [what: string, outcome: string, exit: (response: Response) => void][] = [
  [
    'a head that a middleware fails to write',
    'failed',
    (response) => at(response, 'writeHead', 1, fail, 'before'),
  ],
  [
    'a chunk that a middleware fails to write',
    'failed',
    (response) => at(response, 'write', 1, fail, 'before'),
  ],
  ['an end that a middleware fails to write', 'failed', (response) => at(response, 'end', 1, fail, 'before')],
  [
    'a response that the host destroys during the handler',
    'client_aborted',
    (response) => process.nextTick(() => response.destroy()),
  ],
  [
    'a response that the host destroys during the body',
    'client_aborted',
    (response) => at(response, 'write', 3, () => response.destroy(), 'before'),
  ],
]

describe.each(['HTTP/1.1', 'HTTP/2'])('over %s', (protocol) => {
  test.each(ended)('%s ends its download at once, as %s', async (_, outcome, exit) => {
    const store = counting(createMemoryStore({ [key]: new Uint8Array(50 * size) }))
    const guard = openGuard(store)
    const answer = (request: Request, response: Response): void => {
      exit(response)
      void serveNode(guard.handler, request, response, { params: { exportId } })
    }
    const server = await listen(protocol === 'HTTP/2' ? createHttp2Server(answer) : createServer(answer))
    await (protocol === 'HTTP/2' ? streams(server.port, 1, () => 0) : pipelined(server.port, Infinity))
    await until(() => guard.ended().length === 1)
    expect(guard.ended()).toMatchObject([{ outcome }])
    expect([store.open(), guard.handler.downloads()]).toEqual([0, []])
    await server.close()
  })
})

/** What this process holds: descriptors, timers, and listeners on the process. */
const processHolds = (): Readonly<Record<string, number>> => ({
  descriptors: openFiles().length,
  timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
  listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
})

interface Listening {
  readonly port: number
  readonly open: () => number
  close(): Promise<void>
}

async function listen(server: Server): Promise<Listening> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    open: () => sockets.size,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** Two requests at once over a connection of their own, which is left after so many bytes. */
async function pipelined(port: number, leaveAt: number): Promise<void> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  const head = (more: string): string =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token\r\n${more}\r\n`
  socket.write(head('') + head('Connection: close\r\n'))
  socket.on('data', () => {
    if (socket.bytesRead >= leaveAt) socket.destroy()
  })
  await new Promise((resolve) => socket.once('close', resolve))
}

/** So many downloads of one session; every second one is left after some bytes, with one reason or another. */
async function streams(port: number, count: number, pick: (n: number) => number): Promise<void> {
  const session = connectHttp2(`http://127.0.0.1:${port}`).on('error', () => undefined)
  await once(session, 'connect')
  await Promise.all(
    Array.from({ length: count }, async (_, nth) => {
      const stream = session.request({ ':path': path, authorization: 'Bearer token' })
      const leaveAt = nth % 2 === 0 ? Infinity : pick(size)
      let read = 0
      stream.on('error', () => undefined)
      stream.on('data', (chunk: Buffer) => {
        read += chunk.length
        if (read >= leaveAt) stream.close(nth % 4 === 1 ? 0 : 8)
      })
      await new Promise((resolve) => stream.once('close', resolve))
    }),
  )
  session.destroy()
  await new Promise((resolve) => session.once('close', resolve))
}
