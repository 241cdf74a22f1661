import type { IncomingMessage, ServerResponse } from 'node:http'

import { startTimer } from '../waiting.ts'

/** How long a client that still sends may read its answer before the connection is closed. */
const lingerMs = 1_000
/** How much of what it sends is read, and thrown away. */
const mostBytes = 65_536

/** Whether bytes follow the head of a request (RFC 9112 §6). None of ours has a use for them. */
export const carriesBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

/** Whether some of them are still to come. */
export const isUnread = (request: IncomingMessage): boolean => carriesBody(request) && !request.complete

/**
 * Gives the client of an answer that is all written, but not ended, time to read it: until it has sent its body or left.
 * A connection that is closed over unread bytes is reset, and that takes the end of the answer along (RFC 9112 §9.6).
 */
export async function linger(response: ServerResponse): Promise<void> {
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
