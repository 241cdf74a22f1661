import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'

/** Serves on a free loopback port and prints it. Exits normally, so that a profile can be written. */
export function listen(listener: RequestListener): void {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1', () => announcePort(server.address()))
}

/** Prints the line that the bench waits for. */
export function announcePort(address: string | { readonly port: number } | null): void {
  process.stdout.write(`listening on ${typeof address === 'object' ? address?.port : address}\n`)
  process.once('SIGTERM', () => process.exit(0))
}
