import { deepEqual, equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { setTimeout } from 'node:timers/promises'

import { ask, type Asked, begin, type Seen } from './client.ts'
import { byteAt, ids, secret, type State, wholeSize } from './service.ts'
import type { Server } from './start.ts'

const bytesOf = (from: number, to: number): Buffer =>
  Buffer.from(Uint8Array.from({ length: to - from }, (_, index) => byteAt(from + index)))
const whole = bytesOf(0, wholeSize)

/** What a server with the Fetch API should be able to do. Each function fails if it cannot. */
export const abilities = {
  'sends the exact bytes of a download': async ({ port }: Server) => {
    const seen = await ask(port, ids.whole, {})
    deepEqual([seen.status, seen.complete, seen.body.equals(whole)], [200, true, true])
  },
  'sends Content-Length with a download': async ({ port }: Server) => {
    equal((await ask(port, ids.whole, {})).headers['content-length'], String(wholeSize))
  },
  'answers HEAD, with Content-Length': async ({ port }: Server) => {
    const { status, headers, body } = await ask(port, ids.whole, { method: 'HEAD' })
    deepEqual([status, headers['content-length'], body.length], [200, String(wholeSize), 0])
  },
  'sends one range and several ranges': async ({ port }: Server) => {
    const one = await ask(port, ids.whole, { headers: ['Range', 'bytes=65530-65545'] })
    deepEqual([one.status, one.body], [206, bytesOf(65_530, 65_546)])
    const several = await ask(port, ids.whole, { headers: ['Range', 'bytes=0-9,100000-100009'] })
    equal(several.status, 206)
    ok(several.body.includes(bytesOf(100_000, 100_010)))
  },
  'sends 304, 405, 416 and an empty export': async ({ port }: Server) => {
    const asked: readonly (readonly [string, Asked])[] = [
      [ids.whole, { headers: ['If-None-Match', '*'] }],
      [ids.whole, { method: 'DELETE' }],
      [ids.whole, { headers: ['Range', 'bytes=900000-'] }],
      [ids.empty, {}],
    ]
    const seen = await Promise.all(asked.map(([id, one]) => ask(port, id, one)))
    deepEqual(
      seen.map(({ status, complete }) => [status, complete]),
      [304, 405, 416, 200].map((status) => [status, true]),
    )
    deepEqual([seen[0]?.body.length, seen[3]?.body.length], [0, 0])
  },
  'sends a file name beyond ASCII': async ({ port }: Server) => {
    const { headers } = await ask(port, ids.whole, { method: 'HEAD' })
    ok(headers['content-disposition']?.endsWith("filename*=UTF-8''%C3%9Cbersicht%202026.csv"))
  },
  'refuses a repeated Authorization': async ({ port }: Server) => {
    const headers = ['Authorization', 'Bearer ann', 'Authorization', 'Bearer bob']
    equal((await ask(port, ids.whole, { headers })).status, 401)
  },
  'shows a cut after the first byte': (server: Server) => isCut(server, ids.cutAfterFirst),
  'shows a cut in the middle': (server: Server) => isCut(server, ids.cutInMiddle),
  'shows a cut before the last byte': (server: Server) => isCut(server, ids.cutBeforeLast),
  'cuts while the client does not read': async (server: Server) => {
    const before = await server.state()
    const socket = await begin(server.port, ids.large)
    await once(socket, 'readable')
    await fetch(`http://127.0.0.1:${server.port}/cut`)
    await until(server, (now) => hasEnded(before, now, 'cut'))
    const closed = new Promise((resolve) => void socket.once('close', resolve))
    socket.resume()
    await within(closed)
    ok(socket.bytesRead < 100 * 2 ** 20)
  },
  'reads the store no faster than the client reads': async (server: Server) => {
    const before = await server.state()
    const socket = await begin(server.port, ids.large)
    await once(socket, 'readable')
    // It has stopped reading when two looks see the same.
    let [last, now] = [-1, before.read]
    while (now !== last) {
      await setTimeout(300)
      ;[last, now] = [now, (await server.state()).read]
    }
    socket.destroy()
    await until(server, (now) => hasEnded(before, now, 'client_aborted'))
    ok(now - before.read < 32 * 2 ** 20, `${now - before.read} bytes`)
  },
  'ends the exchange when the client leaves before the response': async (server: Server) => {
    const before = await server.state()
    const socket = await begin(server.port, ids.hangingCatalogue)
    await until(server, ({ running }) => running > before.running)
    socket.destroy()
    await until(server, (now) => hasEnded(before, now, 'client_aborted'))
  },
  'ends the exchange when the client leaves while the store hangs': (server: Server) =>
    leavesDuring(server, ids.hangingStore),
  'ends the exchange when the client leaves without reading': (server: Server) =>
    leavesDuring(server, ids.large),
  'uses a connection again, but not after a cut': async ({ port }: Server) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const seen: Seen[] = []
    for (const id of [ids.whole, ids.whole, ids.cutInMiddle, ids.whole])
      seen.push(await ask(port, id, {}, agent))
    agent.destroy()
    deepEqual(
      seen.map(({ complete, reused }) => [complete, reused]),
      [
        [true, false],
        [true, true],
        [false, true],
        [true, false],
      ],
    )
  },
  'closes the connection after several ranges': async ({ port }: Server) => {
    const { headers } = await ask(port, ids.whole, { headers: ['Range', 'bytes=0-9,100000-100009'] })
    equal(headers.connection, 'close')
  },
  'shows nothing of the inside, and leaves no rejection unhandled': async (server: Server) => {
    await ask(server.port, ids.cutInMiddle, {})
    deepEqual((await server.state()).unhandled, [])
    equal(server.log().includes(secret), false)
  },
} as const

/** Expects that a client can tell that the download is not complete, and that what it got is right. */
async function isCut({ port }: Server, id: string): Promise<void> {
  const { complete, body } = await ask(port, id, {})
  deepEqual([complete, body.equals(whole.subarray(0, body.length))], [false, true])
}

async function leavesDuring(server: Server, id: string): Promise<void> {
  const before = await server.state()
  const socket = await begin(server.port, id)
  await once(socket, 'readable')
  socket.destroy()
  await until(server, (now) => hasEnded(before, now, 'client_aborted'))
}

/** Whether one more request has ended, like this, and released its object. */
const hasEnded = (before: State, now: State, outcome: string): boolean =>
  now.outcomes.slice(before.outcomes.length).includes(outcome) && now.open <= before.open

/** Waits until the service is in a state. */
async function until(server: Server, isSo: (state: State) => boolean): Promise<void> {
  const deadline = Date.now() + patienceMs
  while (!isSo(await server.state())) {
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(await server.state())}`)
    await setTimeout(20)
  }
}

const patienceMs = 5_000
const within = (done: Promise<unknown>): Promise<unknown> =>
  Promise.race([
    done,
    setTimeout(patienceMs, undefined, { ref: false }).then(() => Promise.reject(new Error('too late'))),
  ])
