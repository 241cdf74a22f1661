import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { createSecureServer } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'

import { readTransport } from '../src/settings.ts'

const { transport, key, cert } = readTransport()

/**
 * Serves on a free loopback port and prints it: HTTP/1.1, over TLS if the bench says so. Exits normally, so that a profile can be
 * written.
 */
export function listen(listener: RequestListener): void {
  const server = transport === 'https' ? createTlsServer({ key, cert }, listener) : createServer(listener)
  server.listen(0, '127.0.0.1', () => announcePort(server.address()))
}

/** Serves as {@link listen} does, and also HTTP/2. */
export function listenAny(
  listener: (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ) => void,
): void {
  if (transport !== 'h2') return listen(listener)
  const server = createSecureServer({ key, cert }, listener)
  server.listen(0, '127.0.0.1', () => announcePort(server.address()))
}

/** Prints the line that the bench waits for. */
export function announcePort(address: string | { readonly port: number } | null): void {
  process.stdout.write(`listening on ${typeof address === 'object' ? address?.port : address}\n`)
  process.once('SIGTERM', () => process.exit(0))
}
