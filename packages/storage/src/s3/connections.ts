import type { IncomingHttpHeaders } from 'node:http'
import type { SecureContextOptions } from 'node:tls'

import { type Dispatcher, Pool } from 'undici'

import type { ResponseBody } from '../upstream/response-body.ts'
import { CLOSED, createReceivedBody, type ReceivedBody } from './received-body.ts'

/** A request that is ready to be sent. */
export interface SignedRequest {
  readonly method: 'GET' | 'HEAD'
  /** Path and query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

/** The head of a response, and the body of one to a GET whose status is not among the unread ones. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body?: ResponseBody
}

/** Sends once. Rejects with the signal's reason if that fires before the head has come. It has no timeout of its own. */
export type SendHttp = (origin: string, request: SignedRequest, signal: AbortSignal) => Promise<HttpAnswer>

/**
 * Creates the connections of one client.
 *
 * @param most - connections to one origin; may be `Infinity`
 * @param tls - settings for `tls.connect`
 * @param unread - the statuses of responses whose connection is closed without a look at the body
 */
export function createConnections(
  most: number,
  tls: SecureContextOptions,
  unread: ReadonlySet<number>,
): SendHttp {
  const options: Pool.Options = {
    connections: Number.isFinite(most) ? most : null,
    pipelining: 1,
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: tls,
  }
  // One per bucket. Not an Agent of undici: it closes a pool that has no connection at the moment.
  const pools = new Map<string, Pool>()
  return (origin, request, signal) => {
    const pool = pools.get(origin) ?? new Pool(origin, options)
    pools.set(origin, pool)
    return send(pool, request, unread, signal)
  }
}

const send = (
  pool: Pool,
  request: SignedRequest,
  unread: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    let control: Dispatcher.DispatchController | undefined
    let body: ReceivedBody | undefined
    const leave = (): void => {
      reject(signal.reason)
      control?.abort(CLOSED)
    }
    const settle = (): void => signal.removeEventListener('abort', leave)
    signal.addEventListener('abort', leave, { once: true })
    // undici closes the connection behind every HEAD, because some servers send a body, unless `reset` says otherwise. Stray bytes
    // close the connection anyway.
    pool.dispatch(
      { ...request, reset: false },
      {
        onRequestStart: (controller) => {
          control = controller
          if (signal.aborted) controller.abort(CLOSED) // it left while this request waited for its connection
        },
        onResponseStart: (controller, status, headers) => {
          if (status < 200) return
          settle()
          const isRead = request.method === 'GET' && !unread.has(status)
          if (isRead) body = createReceivedBody(controller)
          resolve({ status, headers, ...(body && { body }) })
          if (request.method === 'GET' && !isRead) controller.abort(CLOSED)
        },
        onResponseData: (_, chunk) => body?.received(chunk),
        onResponseEnd: () => body?.ended(),
        onResponseError: (_, error) => {
          settle()
          reject(error)
          body?.failed(error)
        },
      },
    )
  })
