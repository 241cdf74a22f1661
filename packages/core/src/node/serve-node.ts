import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'

import { DeliveryError } from '../delivery/delivery-error.ts'
import type { ExportHandler, ExportRequest } from '../request-response.ts'
import { waitForTurn } from './connection-turn.ts'
import type { NodeResponse } from './node-response.ts'
import { cut, isTaken, isWrapped, writeResponse } from './node-response.ts'
import { watchClient } from './watch-client.ts'

/**
 * A whole adapter for Node: makes the request, calls the handler, writes the answer. Resolves when the exchange is over,
 * also when the client is gone; never rejects. By then `statusCode` of the response is the status that was sent.
 *
 * A response that something else has begun is left alone. A body that comes with the request is no part of it: over
 * HTTP/1.1 the answer closes the connection (RFC 9112 §9.6), and of a large one little more than Node's own buffer,
 * 64 KiB, is read.
 *
 * @param route - `params`: the route parameters, percent-decoded once; `address`: the caller's, as the framework trusts
 *   it. Absent: addresses are not counted. A parameter that cannot be decoded is left out.
 */
export async function serveNode(
  handler: Pick<ExportHandler, 'handle'>,
  request: IncomingMessage | Http2ServerRequest,
  response: NodeResponse,
  route: { readonly params: ExportRequest['params']; readonly address?: string },
): Promise<void> {
  const leaveTurn = await waitForTurn(request, response)
  if (!leaveTurn) return
  const client = watchClient(response, request.socket)
  try {
    const borrow = !isWrapped(response)
    const answer = await handler.handle({
      method: request.method ?? '',
      params: route.params,
      header: (name) => headerValue(request, name),
      ...(route.address !== undefined && { address: route.address }),
      signal: client.signal,
      borrow,
    })
    if (isTaken(response)) client.end(new DeliveryError('failed', new Error('response_taken')))
    else await writeResponse(response, answer, borrow, client)
  } catch (error) {
    // A wrapper of the host around the handler: the handler itself never rejects.
    client.end(new DeliveryError('failed', error))
    cut(response)
  } finally {
    client.forget()
    leaveTurn()
  }
}

/** The value that the host's middleware left, unless the client sent the line twice: then all of them, which spoils it. */
function headerValue(
  { headers, rawHeaders }: IncomingMessage | Http2ServerRequest,
  name: string,
): string | undefined {
  const value = headers[name]
  if (value === undefined) return undefined
  const lines: string[] = []
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const field = rawHeaders[index] ?? ''
    if (field.length === name.length && field.toLowerCase() === name) lines.push(rawHeaders[index + 1] ?? '')
  }
  if (lines.length > 1) return lines.join(', ')
  return Array.isArray(value) ? value.join(', ') : value
}
