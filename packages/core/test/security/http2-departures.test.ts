import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants, createServer } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'

import { describe, expect, onTestFinished, test } from 'vitest'

import { serveNode } from '../../src/node/serve-node.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { counting } from '../exact-bytes/counting.ts'
import { exportId, key, openGuard, path, until } from '../exact-bytes/guard.ts'

/** How a client leaves a stream, or its whole session. */
const ways: Record<string, (stream: ClientHttp2Stream, session: ClientHttp2Session) => void> = {
  'its stream with NO_ERROR': (stream) => stream.close(constants.NGHTTP2_NO_ERROR),
  'its stream with CANCEL': (stream) => stream.close(constants.NGHTTP2_CANCEL),
  'its stream with INTERNAL_ERROR': (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
  'its session': (_, session) => session.destroy(),
  'its session with an error code': (_, session) =>
    session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM),
  'its connection': (_, session) => session.socket.destroySoon(),
}

/** How far an answer has come by then. */
const moments: Record<string, { size: number; window: number; reached: (started: number) => boolean }> = {
  'before it is begun': { size: 2_000_000, window: 65_535, reached: () => true },
  'with nothing of it read': { size: 2_000_000, window: 0, reached: (started) => started === 1 },
  'in the middle of it': { size: 2_000_000, window: 65_535, reached: (started) => started === 1 },
  'with all of it handed over and nothing read': {
    size: 100,
    window: 0,
    reached: (started) => started === 1,
  },
}

describe.each(Object.entries(moments))(
  'an HTTP/2 client that leaves a response %s',
  (_, { size, window, reached }) => {
    test.each(Object.entries(ways))('by ending %s leaves nothing running', async (_, leave) => {
      const store = counting(createMemoryStore({ [key]: new Uint8Array(size) }))
      const guard = openGuard(store)
      let over = 0
      const { port } = await listen((request, response) => {
        void serveNode(guard.handler, request, response, { params: { exportId } }).then(() => (over += 1))
      })
      const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: window } })
      onTestFinished(() => session.destroy())
      session.on('error', () => undefined)
      const stream = session.request({ ':path': path, authorization: 'Bearer token' })
      stream.on('error', () => undefined)
      if (window > 0) stream.pause()
      await once(session, 'remoteSettings')
      await until(() => reached(guard.started().length))
      leave(stream, session)
      await until(() => over === 1 && guard.ended().length === 1, 2_000)
      expect(store.open()).toBe(0)
      expect(guard.ended()).toMatchObject([{ outcome: 'client_aborted' }])
    })
  },
)

async function listen(answer: Parameters<typeof createServer>[1]): Promise<{ port: number }> {
  const server = createServer(answer)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => void sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return { port: (server.address() as AddressInfo).port }
}
