import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'

import { DeliveryError } from '../delivery/delivery-error.ts'
import type { ExportHandler, ExportRequest } from '../request-response.ts'
import { waitForTurn } from './connection-turn.ts'
import type { NodeResponse } from './node-response.ts'
import { cut, isAnsweredElsewhere, isWrapped, writeResponse } from './node-response.ts'
import { watchClient } from './watch-client.ts'

/**
 * Serves one request of Node: makes an `ExportRequest`, calls the handler and writes the response. Resolves when the exchange is
 * over, also when the client has left; never rejects. Then `statusCode` of the response is the status that was sent.
 *
 * If other code has begun to answer, the response is not touched. The request's body is ignored: over HTTP/1.1 the connection is
 * closed after the response (RFC 9112 §9.6), and of a large body little more than Node's own buffer of 64 KiB is read.
 *
 * @param route - `params`: the route parameters, percent-decoded once. Leave out a parameter that cannot be decoded. `address`: the
 *   client's address, as the framework trusts it. Absent: requests are not counted by address. `url`: path and query as the client
 *   asked for them. Absent: `request.url`, which some frameworks shorten
 */
export async function serveNode(
  handler: Pick<ExportHandler, 'handle'>,
  request: IncomingMessage | Http2ServerRequest,
  response: NodeResponse,
  route: { readonly params: ExportRequest['params']; readonly address?: string; readonly url?: string },
): Promise<void> {
  const leaveTurn = await waitForTurn(request, response)
  if (!leaveTurn) return
  const client = watchClient(response, request.socket)
  try {
    const borrow = !isWrapped(response)
    const answer = await handler.handle({
      method: request.method ?? '',
      params: route.params,
      url: route.url ?? request.url ?? '',
      header: (name) => headerValue(request, name),
      ...(route.address !== undefined && { address: route.address }),
      signal: client.signal,
      borrow,
    })
    if (isAnsweredElsewhere(response)) client.end(new DeliveryError('failed', new Error('response_taken')))
    else await writeResponse(response, answer, borrow, client)
  } catch (error) {
    // Thrown by a wrapper of the host around the handler. The handler itself never rejects.
    client.end(new DeliveryError('failed', error))
    cut(response, 'reset')
  } finally {
    client.forget()
    leaveTurn()
  }
}

/**
 * The value of a header field as the host's middleware left it. If the client sent the field more than once, all values, joined:
 * a single-value field is then malformed.
 */
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
