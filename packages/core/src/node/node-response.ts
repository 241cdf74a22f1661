import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import { constants } from 'node:http2'
import { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

import { DeliveryError } from '../delivery/delivery-error.ts'
import { addToList } from '../http/field-values.ts'
import type { ExportBody, ExportResponse } from '../request-response.ts'
import { startTimer } from '../waiting.ts'

/** Either response of Node: of `node:http` and `node:https`, or of `node:http2`. */
export type NodeResponse = ServerResponse | Http2ServerResponse

/** The client of a response: see `watchClient`. */
interface Client {
  readonly signal: AbortSignal
  readonly end: (reason: DeliveryError) => void
}

/** What both have in common, where their overloads do not meet. */
interface Wire {
  writeHead(status: number, headers: Readonly<Record<string, string>>): unknown
  write(chunk: Uint8Array, callback?: (refused?: Error | null) => void): boolean
  end: { (): unknown; (chunk: Uint8Array): unknown }
}

/** How long the client may take to read an answer that is no download, such as a refusal. */
const smallAnswerMs = 10_000

/**
 * Writes an answer, and is the only one who does. Settles when the exchange is over; never rejects. A body that fails
 * is cut: the client sees a reset, never an end.
 *
 * @param borrow - whether stores may reuse a chunk's memory once the next is asked for
 * @param client - its signal cuts the answer. It is ended with the reason where the answer cannot be written, before the
 *   body is let go
 */
export async function writeResponse(
  response: NodeResponse,
  answer: ExportResponse,
  borrow: boolean,
  client: Client,
): Promise<void> {
  const { status, headers, body, closeConnection = false } = answer
  if (isGone(response)) return
  const wire: Wire = response
  const cutNow = (): void => cut(response)
  // A download has limits of its own, and its signal fires at them.
  const clock = body?.signal ? undefined : startTimer(cutNow, smallAnswerMs)
  try {
    response.removeHeader('X-Powered-By')
    const closes = !isHttp2(response) && (closeConnection || carriesBody(response.req))
    const shown = withListsOf(response, headers)
    wire.writeHead(status, closes ? { ...shown, Connection: 'close' } : shown)
    client.signal.addEventListener('abort', cutNow)
    body?.signal?.addEventListener('abort', cutNow, { once: true })
    if (body) await writeBody(response, body, borrow, client)
    if (!response.writableEnded) await endWhenRead(response)
  } catch (error) {
    client.end(failure(error))
    cut(response)
  } finally {
    clearTimeout(clock)
    client.signal.removeEventListener('abort', cutNow)
  }
}

/** The fields of an answer; to its lists it adds what middleware has set, which `writeHead` would replace. */
function withListsOf(response: NodeResponse, headers: ExportResponse['headers']): ExportResponse['headers'] {
  const vary = response.getHeader('Vary')
  const link = response.getHeader('Link')
  if (vary === undefined && link === undefined) return headers
  const shown = { ...headers }
  if (vary !== undefined) shown['Vary'] = addToList(String(vary), headers['Vary'] ?? '')
  // The elements of Link may hold commas (RFC 8288 §3): joined as they are.
  if (link !== undefined) shown['Link'] = [link, headers['Link'] ?? []].flat().join(', ')
  return shown
}

async function writeBody(
  response: NodeResponse,
  body: ExportBody,
  borrow: boolean,
  client: Client,
): Promise<void> {
  let left = body.length
  for await (const chunk of body) {
    left -= chunk.length
    if (left < 0) throw new DeliveryError('store_overran')
    try {
      if (left === 0 && !staysOpen(response)) await ended(response, () => (response as Wire).end(chunk))
      // A middleware that came with the head may keep what it is given.
      else await taken(response, borrow && isWrapped(response) ? Uint8Array.from(chunk) : chunk)
    } catch (error) {
      // Before the loop ends the body, which would take it for a client that left.
      client.end(failure(error))
      throw error
    }
  }
  if (left > 0) throw new DeliveryError('store_cut')
}

/** Where a response cannot be written for another reason than its client, a middleware of the host threw. */
const failure = (error: unknown): DeliveryError =>
  error instanceof DeliveryError ? error : new DeliveryError('failed', error)

/** Ends an answer that is all written. */
async function endWhenRead(response: NodeResponse): Promise<void> {
  if (staysOpen(response)) {
    response.flushHeaders()
    await linger(response)
  }
  await ended(response, () => (response as Wire).end())
}

/** Whether the client is still sending: over HTTP/2 that hurts nobody else, so it may. */
const staysOpen = (response: NodeResponse): response is ServerResponse =>
  !isHttp2(response) && isUnread(response.req)

/**
 * Resolves when the kernel has taken the chunk, so that its memory may be used again. Rejects where it refused: then none of
 * the chunk counts as sent.
 */
const taken = (response: NodeResponse, chunk: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    const gone = (): void => reject(new DeliveryError('client_aborted'))
    const done = (refused?: Error | null): void => {
      response.off('close', gone)
      response.off('drain', done)
      if (refused) gone()
      else resolve()
    }
    if (isGone(response)) return gone()
    response.once('close', gone)
    const wire: Wire = response
    if (!isWrapped(response)) return void wire.write(chunk, done)
    // Middleware that wraps write() may lose its callback, never 'drain'.
    if (wire.write(chunk)) return void setImmediate(done)
    response.once('drain', done)
  })

const ended = (response: NodeResponse, end: () => unknown): Promise<void> =>
  new Promise((resolve, reject) => {
    const ending = endingOf(response)
    const { socket } = response // 'finish' takes it away
    const gone = (): void => reject(new DeliveryError('client_aborted'))
    if (isGone(response)) return gone()
    ending.once('close', gone)
    ending.once('finish', () => {
      ending.off('close', gone)
      // Node 22 emits 'finish' also where the kernel refused the last bytes.
      if (!isHttp2(response) && socket?.destroyed === true) gone()
      else resolve()
    })
    end()
  })

/** Whether a middleware has put itself between us and the socket; then it may keep what we write. */
export const isWrapped = (response: NodeResponse): boolean =>
  Object.hasOwn(response, 'write') || Object.hasOwn(response, 'end')

/**
 * Ends the connection of a body that stops, so that it does not look complete (RFC 9112 §8, RFC 9113 §8.1.1): HTTP/2
 * resets the stream, TLS closes without close_notify, and plain TCP is reset. Many clients take a plain close before the
 * end of Content-Length for the end of the file.
 *
 * A browser gets the plain close: after it, it resumes by itself; after a reset, the user has to.
 */
export function cut(response: NodeResponse): void {
  if (isHttp2(response)) {
    const { stream } = response
    // A stream that its client closed with NO_ERROR would wait for what is not written, so it is destroyed. One that is
    // being closed must not be: its RST_STREAM would be lost.
    if (stream.closed && stream.rstCode !== constants.NGHTTP2_NO_ERROR) return
    stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    stream.destroy()
    return
  }
  const { socket, req } = response
  if (socket && isPlainTcp(socket) && req.headers['sec-fetch-mode'] === undefined) socket.resetAndDestroy()
  response.destroy()
}

/** Whether a socket can be reset: not TLS, not a Unix domain socket, and not a stream that the host uses as a socket. */
const isPlainTcp = (socket: Socket): boolean =>
  socket instanceof Socket && !(socket instanceof TLSSocket) && socket.remoteFamily !== undefined

/** Whether something else has begun to answer: a middleware that wrote first, a host's own timeout. */
export const isTaken = (response: NodeResponse): boolean => response.headersSent || response.writableEnded

/** Whether nobody is left to read. */
export const isGone = (response: NodeResponse): boolean =>
  isHttp2(response)
    ? response.stream.destroyed || response.stream.closed
    : response.destroyed || response.closed

/**
 * Whether the whole answer was handed to the kernel. On HTTP/2 the response says so also when its stream was reset, and
 * the stream of a HEAD request says so before there is an answer.
 */
export const isFinished = (response: NodeResponse): boolean =>
  isHttp2(response)
    ? response.writableEnded && response.stream.writableFinished && !response.stream.aborted
    : response.writableFinished

/** What tells that the exchange is over: on HTTP/2 a response that was not begun hears nothing of its stream's end. */
export const endingOf = (response: NodeResponse): EventEmitter =>
  isHttp2(response) ? response.stream : response

export const isHttp2 = (response: NodeResponse): response is Http2ServerResponse => 'stream' in response

/** How long a client that still sends may read its answer before the connection is closed. */
const lingerMs = 1_000
/** How much of what it sends is read, and thrown away. */
const mostBytes = 65_536

/** Whether bytes follow the head of a request (RFC 9112 §6). None of ours has a use for them. */
const carriesBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

/** Whether some of them are still to come. */
const isUnread = (request: IncomingMessage): boolean => carriesBody(request) && !request.complete

/**
 * Gives the client of an answer that is all written, but not ended, time to read it: until it has sent its body or left.
 * A connection that is closed over unread bytes is reset, and that takes the end of the answer along (RFC 9112 §9.6).
 */
async function linger(response: ServerResponse): Promise<void> {
  const { req: request } = response
  let left = mostBytes
  request.on('data', (chunk: Uint8Array) => {
    left -= chunk.length
    if (left < 0) request.pause()
  })
  await new Promise<void>((resolve) => {
    const timer = startTimer(resolve, lingerMs)
    const done = (): void => {
      clearTimeout(timer)
      resolve()
    }
    request.once('end', done)
    response.once('close', done)
  })
}
