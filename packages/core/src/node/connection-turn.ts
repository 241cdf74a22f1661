import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerResponse, Http2Session } from 'node:http2'
import { constants } from 'node:http2'
import type { Socket } from 'node:net'
import { setImmediate as nextLoop } from 'node:timers/promises'

import type { NodeResponse } from './node-response.ts'
import { isHttp2, isTaken } from './node-response.ts'

/** The most requests of one connection that are at work or wait. */
const mostRequests = 32

/**
 * Waits until a request may be worked on, and holds nothing for it but the request and its response.
 *
 * - HTTP/1.1: until all answers before it on its connection are out (RFC 9112 §9.3.2). Behind 32 requests the connection
 *   is not read any more, until some of them are answered.
 * - HTTP/2: at once, but a stream behind 32 others of its session is refused with REFUSED_STREAM, after which a client
 *   may send it again (RFC 9113 §8.7).
 *
 * @returns what to call when the request is over; `undefined`: the request is over already, because its connection
 *   ended or its stream was refused
 */
export async function waitForTurn(
  request: Pick<IncomingMessage, 'socket'>,
  response: NodeResponse,
): Promise<(() => void) | undefined> {
  if (isHttp2(response)) return enterSession(response)
  if (response.socket !== null || isTaken(response)) return noop
  return (await headOfLine(request.socket, response)) ? noop : undefined
}

const noop = (): void => undefined

/** The streams of each session that are at work. */
const working = new WeakMap<Http2Session, number>()

async function enterSession({ stream }: Http2ServerResponse): Promise<(() => void) | undefined> {
  const { session } = stream
  if (!session) return noop
  const count = (): number => working.get(session) ?? 0
  // A stream that its client ended in the same packet needs until then to let go of its place.
  if (count() >= mostRequests) await nextLoop()
  if (count() >= mostRequests) {
    stream.close(constants.NGHTTP2_REFUSED_STREAM)
    return undefined
  }
  working.set(session, count() + 1)
  return () => void working.set(session, count() - 1)
}

/** The requests that wait on each connection. One listener a connection, however many they are. */
const lines = new WeakMap<Socket, Line>()

interface Line {
  /** Ends the wait of each: `false`, because the connection is gone. */
  readonly waiting: Set<(isTurn: boolean) => void>
  isPaused: boolean
}

async function headOfLine(socket: Socket, response: ServerResponse): Promise<boolean> {
  if (socket.destroyed) return false
  const line = lineOf(socket)
  const isTurn = await new Promise<boolean>((resolve) => {
    line.waiting.add(resolve)
    response.once('socket', () => {
      line.waiting.delete(resolve)
      resolve(true)
    })
    if (line.waiting.size >= mostRequests - 1) pause(socket, line)
  })
  if (!isTurn) return false
  // One request of each connection per turn of the event loop, so that other connections are served in between.
  await nextLoop()
  // Node would wait for ever for the end of an answer that the host destroyed before its turn.
  if (response.destroyed) socket.destroy()
  if (line.isPaused && line.waiting.size < mostRequests - 1) resume(socket, line)
  return !response.destroyed
}

function lineOf(socket: Socket): Line {
  const known = lines.get(socket)
  if (known) return known
  const line: Line = { waiting: new Set(), isPaused: false }
  lines.set(socket, line)
  // On Node 22 a response that waits hears nothing of the end of its connection.
  socket.once('close', () => {
    for (const leave of line.waiting) leave(false)
    line.waiting.clear()
  })
  return line
}

/** Node resumes the socket at the end of every request, so it is paused again each time. */
function stay(this: Socket): void {
  this.pause()
}

function pause(socket: Socket, line: Line): void {
  if (line.isPaused) return
  line.isPaused = true
  socket.on('resume', stay)
  socket.pause()
}

function resume(socket: Socket, line: Line): void {
  line.isPaused = false
  socket.off('resume', stay)
  socket.resume()
}
