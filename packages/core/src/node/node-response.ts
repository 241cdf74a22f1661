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

/** A response of `node:http`, `node:https` or `node:http2`. */
export type NodeResponse = ServerResponse | Http2ServerResponse

/** The client of a response; see `watchClient`. */
interface Client {
  readonly signal: AbortSignal
  readonly end: (reason: DeliveryError) => void
}

/** The methods that both responses have. Their overloads differ, so TypeScript cannot call them on the union. */
interface Wire {
  writeHead(status: number, headers: Readonly<Record<string, string>>): unknown
  write(chunk: Uint8Array, callback?: (refused?: Error | null) => void): boolean
  end: { (): unknown; (chunk: Uint8Array): unknown }
}

/** How long the client may take to read a response that is not a download, such as a refusal. */
const smallAnswerMs = 10_000

/**
 * Writes a response. Resolves when the exchange is over; never rejects. If the body fails, cuts the connection, so that the
 * client sees a reset and never a complete response.
 *
 * @param borrow - whether the store may reuse the memory of a chunk when the next one is requested
 * @param client - its signal cuts the response. If the response cannot be written, `client.end` is called with the reason, before
 *   the body is released
 */
export async function writeResponse(
  response: NodeResponse,
  answer: ExportResponse,
  borrow: boolean,
  client: Client,
): Promise<void> {
  const { status, headers, body, closeConnection = false, cut: ending = 'reset' } = answer
  if (isGone(response)) return
  const wire: Wire = response
  const cutNow = (): void => cut(response, ending)
  // A download has its own limits, which fire its signal.
  const timer = body?.signal ? undefined : startTimer(cutNow, smallAnswerMs)
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
    cutNow()
  } finally {
    clearTimeout(timer)
    client.signal.removeEventListener('abort', cutNow)
  }
}

/** Adds the values of `Vary` and `Link` that middleware has set. `writeHead` would replace them. */
function withListsOf(response: NodeResponse, headers: ExportResponse['headers']): ExportResponse['headers'] {
  const vary = response.getHeader('Vary')
  const link = response.getHeader('Link')
  if (vary === undefined && link === undefined) return headers
  const shown = { ...headers }
  if (vary !== undefined) shown['Vary'] = addToList(String(vary), headers['Vary'] ?? '')
  // Elements of Link may contain commas (RFC 8288 §3), so they are joined without parsing.
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
      if (left === 0 && !isStillSending(response)) await ended(response, () => (response as Wire).end(chunk))
      // Middleware that wrapped the response when the head was written may keep chunks, so it gets a copy.
      else await writeChunk(response, borrow && isWrapped(response) ? new Uint8Array(chunk) : chunk)
    } catch (error) {
      // Record the failure before this throw ends the loop: the end of the loop closes the body, and closing it would record
      // `client_aborted`.
      client.end(failure(error))
      throw error
    }
  }
  if (left > 0) throw new DeliveryError('store_cut')
}

/** An error other than a `DeliveryError` comes from the host's middleware. */
const failure = (error: unknown): DeliveryError =>
  error instanceof DeliveryError ? error : new DeliveryError('failed', error)

/** Ends a response whose body is written. */
async function endWhenRead(response: NodeResponse): Promise<void> {
  if (isStillSending(response)) {
    response.flushHeaders()
    await linger(response)
  }
  await ended(response, () => (response as Wire).end())
}

/** Whether an HTTP/1.x client is still sending its request body. Over HTTP/2 that does not affect other requests. */
const isStillSending = (response: NodeResponse): response is ServerResponse =>
  !isHttp2(response) && isUnread(response.req)

/**
 * Writes a chunk. Resolves when the kernel has taken it, so that its memory may be reused. Rejects if the kernel refused it; then
 * no byte of the chunk counts as sent.
 */
const writeChunk = (response: NodeResponse, chunk: Uint8Array): Promise<void> =>
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
    // Middleware that wraps write() may drop its callback, but not 'drain'.
    if (wire.write(chunk)) return void setImmediate(done)
    response.once('drain', done)
  })

const ended = (response: NodeResponse, end: () => unknown): Promise<void> =>
  new Promise((resolve, reject) => {
    const emitter = endEmitterOf(response)
    const { socket } = response // undefined after 'finish'
    const gone = (): void => reject(new DeliveryError('client_aborted'))
    if (isGone(response)) return gone()
    emitter.once('close', gone)
    emitter.once('finish', () => {
      emitter.off('close', gone)
      // Node 22 emits 'finish' even if the kernel refused the last bytes.
      if (!isHttp2(response) && socket?.destroyed === true) gone()
      else resolve()
    })
    end()
  })

/** Whether middleware has replaced `write` or `end`. It may then keep the chunks that it gets. */
export const isWrapped = (response: NodeResponse): boolean =>
  Object.hasOwn(response, 'write') || Object.hasOwn(response, 'end')

/**
 * Cuts a response whose body is not complete, so that the client does not take it for complete (RFC 9112 §8, RFC 9113 §8.1.1).
 * HTTP/2 resets the stream, TLS closes without close_notify, and plain TCP is reset. Many clients treat a plain close before the
 * end of Content-Length as the end of the file.
 *
 * A browser gets a plain close on TCP, because it then resumes by itself. After a reset, the user has to resume.
 *
 * @param ending - `'close'`: for a request that only a browser sends, such as one by ticket. `'reset'`: for any other request; if it
 *   has `Sec-Fetch-Mode`, it is treated as a browser's
 */
export function cut(response: NodeResponse, ending: 'reset' | 'close'): void {
  if (isHttp2(response)) {
    const { stream } = response
    // A stream that its client closed with NO_ERROR would wait for the rest of the body, so destroy it. Do not destroy a stream
    // that is being closed: its RST_STREAM would be lost.
    if (stream.closed && stream.rstCode !== constants.NGHTTP2_NO_ERROR) return
    stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    stream.destroy()
    return
  }
  const { socket, req } = response
  const isBrowser = ending === 'close' || req.headers['sec-fetch-mode'] !== undefined
  if (socket && isPlainTcp(socket) && !isBrowser) socket.resetAndDestroy()
  response.destroy()
}

/** Whether a socket can be reset. TLS, Unix domain sockets and streams that a host uses as sockets cannot. */
const isPlainTcp = (socket: Socket): boolean =>
  socket instanceof Socket && !(socket instanceof TLSSocket) && socket.remoteFamily !== undefined

/** Whether other code, such as middleware or a timeout of the host, has begun to answer. */
export const isAnsweredElsewhere = (response: NodeResponse): boolean =>
  response.headersSent || response.writableEnded

/** Whether the client has left. */
export const isGone = (response: NodeResponse): boolean =>
  isHttp2(response)
    ? response.stream.destroyed || response.stream.closed
    : response.destroyed || response.closed

/**
 * Whether the kernel has taken the whole response. On HTTP/2 the response and its stream are
 * both asked: Node reports the response of a reset stream as finished, and the stream of a HEAD request as finished before it is
 * answered.
 */
export const isFinished = (response: NodeResponse): boolean =>
  isHttp2(response)
    ? response.writableEnded && response.stream.writableFinished && !response.stream.aborted
    : response.writableFinished

/** The emitter of the 'close' event. On HTTP/2 it is the stream, because a response without a head emits no 'close'. */
export const endEmitterOf = (response: NodeResponse): EventEmitter =>
  isHttp2(response) ? response.stream : response

export const isHttp2 = (response: NodeResponse): response is Http2ServerResponse => 'stream' in response

/** How long a client that still sends may read its response before the connection is closed. */
const lingerMs = 1_000
/** How many bytes of its request body are read and discarded. */
const mostBytes = 65_536

/** Whether a request has a body (RFC 9112 §6). It is never used. */
const carriesBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

/** Whether a part of the request body has not arrived yet. */
const isUnread = (request: IncomingMessage): boolean => carriesBody(request) && !request.complete

/**
 * Waits until the client has sent its request body or left, for at most one second. If a connection with unread bytes is closed,
 * TCP resets it, and the client may lose the end of the response (RFC 9112 §9.6).
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
