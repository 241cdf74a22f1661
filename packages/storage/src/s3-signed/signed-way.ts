import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'

import { buildConnector, type Dispatcher, Pool } from 'undici'

import type { SignedUrl } from './signed-urls.ts'

/** The head of an answer, and its body where it is an object's. */
export interface SignedAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body?: Readable
}

/** Connections of its own, for GETs of signed URLs. */
export interface SignedWay {
  /** Rejects with the signal's reason when that fires before the head is here. Timeouts are the caller's. */
  get(url: SignedUrl, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<SignedAnswer>
}

/**
 * undici publishes path and headers of every request on its diagnostics channels, and Node those of its own client, so a signed
 * URL would be in every trace. So undici gets a placeholder as the path. It is replaced by the signed path when the request is
 * written to the socket.
 */
export function createSignedWay(connections: number): SignedWay {
  const targets = new Map<string, string>()
  let made = 0
  const connect = buildConnector({ allowH2: false })
  const options: Pool.Options = {
    connections,
    pipelining: 1,
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (to, callback) =>
      connect(to, (...[error, socket]) =>
        error === null ? callback(null, fillPath(socket, targets)) : callback(error, null),
      ),
  }
  const pools = new Map<string, Pool>() // as many as buckets. An Agent would close one, and its next connection, too early
  const poolTo = (origin: string): Pool => {
    const pool = pools.get(origin) ?? new Pool(origin, options)
    pools.set(origin, pool)
    return pool
  }
  return {
    get: async ({ origin, target }, headers, signal) => {
      made += 1
      const path = `/signed/${made}`
      targets.set(path, target)
      try {
        return await send(poolTo(origin), { path, method: 'GET', headers }, signal)
      } finally {
        targets.delete(path)
      }
    },
  }
}

/** Replaces the placeholder in each request that is written to a socket. A write without one sends nothing and ends the connection. */
function fillPath(socket: Socket, targets: ReadonlyMap<string, string>): Socket {
  const write = socket.write.bind(socket)
  return Object.assign(socket, {
    write: (head: unknown): boolean => {
      const [line = '', path = ''] = (typeof head === 'string' && REQUEST_LINE.exec(head)) || []
      const target = targets.get(path)
      if (typeof head === 'string' && target !== undefined)
        return write(`GET ${target} HTTP/1.1\r\n${head.slice(line.length)}`, 'latin1')
      socket.destroy(new Error('a request without a placeholder'))
      return false
    },
  })
}

const REQUEST_LINE = /^GET (\/signed\/\d+) HTTP\/1\.1\r\n/

/** Sends once. A head that is no object's ends its connection before its body is read: undici would publish that too. */
const send = (pool: Pool, request: Dispatcher.DispatchOptions, signal: AbortSignal): Promise<SignedAnswer> =>
  new Promise((resolve, reject) => {
    let control: Dispatcher.DispatchController | undefined
    let body: Readable | undefined
    const leave = (): void => {
      reject(signal.reason)
      control?.abort(LEFT)
    }
    const settle = (): void => signal.removeEventListener('abort', leave)
    signal.addEventListener('abort', leave, { once: true })
    pool.dispatch(request, {
      onRequestStart: (controller) => {
        control = controller
        if (signal.aborted) controller.abort(LEFT) // it left while this one waited for its connection
      },
      onResponseStart: (controller, status, headers) => {
        if (status < 200) return
        settle()
        const opens = status < 300
        if (opens) body = bodyOf(controller)
        resolve({ status, headers, ...(body && { body }) })
        if (!opens) controller.abort(LEFT)
      },
      onResponseData: (controller, chunk) => {
        if (body?.push(chunk) === false) controller.pause()
      },
      onResponseEnd: () => void body?.push(null),
      onResponseError: (_, error) => {
        settle()
        reject(error)
        body?.destroy(error)
      },
    })
  })

const bodyOf = (controller: Dispatcher.DispatchController): Readable =>
  new Readable({
    read: () => controller.resume(),
    destroy: (error, done) => {
      controller.abort(LEFT) // whose body is at its end keeps its connection
      done(error)
    },
  }).on('error', ignore) // it may be cut before anybody reads

const ignore = (): void => {}

const LEFT = new Error('nobody reads on')
