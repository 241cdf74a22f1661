import { createServer } from 'node:http'
import { connect as connectHttp2, constants, createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'

import { afterEach, expect, onTestFinished, test, vi } from 'vitest'

import { serveNode } from '../../src/node/serve-node.ts'
import { refuse } from '../../src/refusals.ts'
import type { ExportHandler } from '../../src/request-response.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { counting } from '../exact-bytes/counting.ts'
import { exportId, key, openGuard, path } from '../exact-bytes/guard.ts'

afterEach(() => void vi.useRealTimers())

/** Lets so many milliseconds pass for all timers, and no time for sockets. */
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
const fakeTimers = (): unknown => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Turns the event loop until the condition holds; the clock stands still. */
async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns += 1) {
    if (turns > 100_000) throw new Error('the condition never held')
    await turn()
  }
}

/** What a server has begun and ended of its answers. */
interface Answers {
  begun: number
  over: number
}

async function listen(protocol: 'HTTP/1.1' | 'HTTP/2', handler: ExportHandler): Promise<[number, Answers]> {
  const answers = { begun: 0, over: 0 }
  const answer = (
    ...[request, response]: [Parameters<typeof serveNode>[1], Parameters<typeof serveNode>[2]]
  ): void => {
    answers.begun += 1
    void serveNode(handler, request, response, { params: { exportId } }).then(() => (answers.over += 1))
  }
  const server: Server = protocol === 'HTTP/2' ? createHttp2Server(answer) : createServer(answer)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => void sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return [(server.address() as AddressInfo).port, answers]
}

/** Opens streams whose window is 0, so that no byte of a body can be sent. Gives the codes they ended with. */
async function windowless(port: number, count: number): Promise<number[]> {
  const session = connectHttp2(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } })
  session.on('error', () => undefined)
  onTestFinished(() => session.destroy())
  const codes: number[] = []
  for (let nth = 0; nth < count; nth += 1) {
    const stream = session.request({ ':path': path, authorization: 'Bearer token' })
    stream.on('error', () => undefined).on('close', () => codes.push(stream.rstCode ?? -1))
  }
  return codes
}

test('refusals on streams with a window of 0 are cut after 10 s', async () => {
  let refusals = 0
  const verify = async (): Promise<never> => {
    refusals += 1
    return refuse('token_invalid')
  }
  const verifier = { verify }
  const guard = openGuard(createMemoryStore({}), { verifier })
  const [port, answers] = await listen('HTTP/2', guard.handler)
  fakeTimers()
  const codes = await windowless(port, 32)
  await until(() => refusals === 32)
  await turn()
  await pass(9_900)
  expect([answers.over, codes]).toEqual([0, []])
  await pass(200)
  await until(() => answers.over === 32 && codes.length === 32)
  expect(new Set(codes)).toEqual(new Set([constants.NGHTTP2_INTERNAL_ERROR]))
})

test('a download on a stream with a window of 0 is cut like that of a slow client', async () => {
  const store = counting(createMemoryStore({ [key]: new Uint8Array(200_000) }))
  const guard = openGuard(store, { delivery: { slowestClient: { bytes: 200_000, perMs: 20_000 } } })
  const [port, answers] = await listen('HTTP/2', guard.handler)
  fakeTimers()
  const codes = await windowless(port, 1)
  await until(() => guard.started().length === 1)
  await turn()
  await pass(19_900)
  expect(answers.over).toBe(0)
  await pass(200)
  await until(() => answers.over === 1 && codes.length === 1)
  expect(codes).toEqual([constants.NGHTTP2_INTERNAL_ERROR])
  expect(guard.ended()).toMatchObject([{ outcome: 'client_too_slow' }])
  expect(store.open()).toBe(0)
})

test('a connection whose client reads none of its refusals is closed after 10 s', async () => {
  let refusals = 0
  const verify = async (): Promise<never> => {
    refusals += 1
    return refuse('token_invalid')
  }
  const verifier = { verify }
  const guard = openGuard(createMemoryStore({}), { verifier, onEvent: () => undefined })
  const [port, answers] = await listen('HTTP/1.1', guard.handler)
  fakeTimers()
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  socket.pause()
  // 30 MB of refusals: more than two kernels hold.
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer made-up\r\n\r\n`.repeat(40_000))
  let last = -1
  let still = 0
  await until(() => {
    still = answers.over > 0 && answers.over === last ? still + 1 : 0
    last = answers.over
    return still === 2_000
  })
  expect(answers.over).toBeLessThan(answers.begun)
  await pass(10_100)
  await until(() => answers.over === answers.begun)
})
