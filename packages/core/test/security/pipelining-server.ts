import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

import { serveNode } from '../../src/node/serve-node.ts'
import { refuse } from '../../src/refusals.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { exportId, openGuard } from '../exact-bytes/guard.ts'

/**
 * Refuses every request, in a process of its own: `pipelining-server.ts bare|guarded`. Sends its port, and answers every
 * message with its largest resident memory so far, in bytes.
 */
const { handler } = openGuard(createMemoryStore({}), {
  verifier: { verify: async () => refuse('token_invalid') },
  onEvent: () => undefined,
})
const body = '{"message":"Unauthorized"}'
const headers = {
  'Cache-Control': 'no-store',
  'Content-Length': body.length,
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'Content-Type': 'application/json; charset=utf-8',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  Vary: 'X-Org-Name, X-API-Version',
  'WWW-Authenticate': 'Bearer realm="exports", error="invalid_token"',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'X-Request-Id': '0f0e0d0c-0b0a-4908-8706-050403020100',
}
const listeners: Record<string, RequestListener> = {
  bare: (_, response) => void response.writeHead(401, headers).end(body),
  guarded: (request, response) => void serveNode(handler, request, response, { params: { exportId } }),
}
const server = createServer(listeners[process.argv[2] ?? ''])
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('message', () => process.send?.(process.resourceUsage().maxRSS * 1_024))
process.on('disconnect', () => process.exit())
