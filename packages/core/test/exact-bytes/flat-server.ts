import type { EventEmitter } from 'node:events'
import { getEventListeners } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'

import { serveNode } from '../../src/node/serve-node.ts'
import type { ExportStore } from '../../src/ports.ts'
import { ask, exportId, openGuard } from './guard.ts'

/**
 * Measures one long download of many small chunks, in a process of its own: `flat-server.ts <chunks> handler|http|http2`. But for
 * `handler` it writes its port first, and is measured while somebody downloads. Then it writes what it measured, as JSON.
 */
const [count, way] = [Number(process.argv[2]), process.argv[3]]

/** What a download holds, at one moment. */
interface MemoryUse {
  readonly at: number
  /** Bytes, after a collection. */
  readonly heap: number
  readonly listeners: number
  readonly timers: number
}
const measured: MemoryUse[] = []
let listeners = (): number => 0

const measure = (at: number): void => {
  globalThis.gc?.()
  globalThis.gc?.()
  measured.push({
    at,
    heap: process.memoryUsage().heapUsed,
    listeners: listeners(),
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
  })
}

const chunk = Buffer.alloc(1_024, 'x')
const info = { size: count * chunk.length, validator: 'generated' }
const generated: ExportStore = {
  head: async () => info,
  get: async () => ({
    info,
    close: () => undefined,
    chunks: (async function* chunks() {
      for (let n = 1; n <= count; n++) {
        if (n === Math.ceil(count / 10) || n === count) measure(n / count)
        yield chunk
      }
    })(),
  }),
}
const { handler } = openGuard(generated)
const tell = (): unknown => process.stdout.write(`${JSON.stringify(measured)}\n`)

if (way === 'handler') {
  const { signal } = new AbortController()
  listeners = () => getEventListeners(signal, 'abort').length
  const { body } = await handler.handle(ask({}, { signal, borrow: true }))
  let read = 0
  for await (const chunk of body ?? []) read += chunk.length
  if (read !== info.size) throw new Error('not all of it')
  tell()
} else {
  const answer = (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ): void => {
    listeners = () => listenersOf(response)
    void serveNode(handler, request, response, { params: { exportId } }).then(() => {
      tell()
      server.close()
    })
  }
  const server = way === 'http2' ? createHttp2Server(answer) : createServer(answer)
  server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
}

function listenersOf(response: ServerResponse | Http2ServerResponse): number {
  const emitters: EventEmitter[] = [response, response.req]
  if ('stream' in response) emitters.push(response.stream)
  else if (response.socket) emitters.push(response.socket)
  return emitters
    .flatMap((emitter) => emitter.eventNames().map((name) => emitter.listenerCount(name)))
    .reduce((sum, count) => sum + count, 0)
}
