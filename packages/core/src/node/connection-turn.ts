import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerResponse, Http2Session } from 'node:http2'
import { constants } from 'node:http2'
import type { Socket } from 'node:net'
import { setImmediate as nextLoop } from 'node:timers/promises'

import type { NodeResponse } from './node-response.ts'
import { isHttp2, isAnsweredElsewhere } from './node-response.ts'

/** How many requests of one connection may be in progress or waiting. */
const mostRequests = 32

/**
 * Waits until the handler may work on a request. A waiting request keeps only itself and its response in memory.
 *
 * - HTTP/1.1: waits until all earlier responses of the connection have been sent (RFC 9112 §9.3.2). While 32 requests of a
 *   connection are in progress or waiting, its socket is paused.
 * - HTTP/2: does not wait. While 32 streams of a session are in progress, it refuses further streams with REFUSED_STREAM. The
 *   client may then send them again (RFC 9113 §8.7).
 *
 * @returns a function to call when the request is over. `undefined`: the connection ended or the stream was refused, so the
 *   request is over already
 */
export async function waitForTurn(
  request: Pick<IncomingMessage, 'socket'>,
  response: NodeResponse,
): Promise<(() => void) | undefined> {
  if (isHttp2(response)) return enterSession(response)
  if (response.socket !== null || isAnsweredElsewhere(response)) return noop
  return (await waitForSocket(request.socket, response)) ? noop : undefined
}

const noop = (): void => undefined

/** The number of streams in progress, for each session. */
const working = new WeakMap<Http2Session, number>()

async function enterSession({ stream }: Http2ServerResponse): Promise<(() => void) | undefined> {
  const { session } = stream
  if (!session) return noop
  const count = (): number => working.get(session) ?? 0
  // A stream that its client reset in the same packet is counted until the next turn of the event loop.
  if (count() >= mostRequests) await nextLoop()
  if (count() >= mostRequests) {
    stream.close(constants.NGHTTP2_REFUSED_STREAM)
    return undefined
  }
  working.set(session, count() + 1)
  return () => void working.set(session, count() - 1)
}

/** The requests that wait on each connection. Each connection has one listener, however many requests wait. */
const queues = new WeakMap<Socket, ConnectionQueue>()

interface ConnectionQueue {
  /** Each ends the wait of one request. `false`: the connection was closed. */
  readonly waiting: Set<(isTurn: boolean) => void>
  isPaused: boolean
}

async function waitForSocket(socket: Socket, response: ServerResponse): Promise<boolean> {
  if (socket.destroyed) return false
  const queue = queueOf(socket)
  const isTurn = await new Promise<boolean>((resolve) => {
    queue.waiting.add(resolve)
    response.once('socket', () => {
      queue.waiting.delete(resolve)
      resolve(true)
    })
    if (queue.waiting.size >= mostRequests - 1) pause(socket, queue)
  })
  if (!isTurn) return false
  // Start one request of a connection per turn of the event loop, so that other connections get their turn.
  await nextLoop()
  // If the host destroyed a response before its turn, Node would wait for its end for ever.
  if (response.destroyed) socket.destroy()
  if (queue.isPaused && queue.waiting.size < mostRequests - 1) resume(socket, queue)
  return !response.destroyed
}

function queueOf(socket: Socket): ConnectionQueue {
  const known = queues.get(socket)
  if (known) return known
  const queue: ConnectionQueue = { waiting: new Set(), isPaused: false }
  queues.set(socket, queue)
  // On Node 22 a waiting response emits no event when its connection ends.
  socket.once('close', () => {
    for (const endWait of queue.waiting) endWait(false)
    queue.waiting.clear()
  })
  return queue
}

/** Node resumes the socket at the end of every request. This pauses it again each time. */
function pauseAgain(this: Socket): void {
  this.pause()
}

function pause(socket: Socket, queue: ConnectionQueue): void {
  if (queue.isPaused) return
  queue.isPaused = true
  socket.on('resume', pauseAgain)
  socket.pause()
}

function resume(socket: Socket, queue: ConnectionQueue): void {
  queue.isPaused = false
  socket.off('resume', pauseAgain)
  socket.resume()
}
