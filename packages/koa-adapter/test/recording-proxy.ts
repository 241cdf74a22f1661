import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

import type { Served } from '@sallyport/core/testing'

/** Starts a proxy before a server. Records the bytes that the server sent on each connection, in order. */
export async function recorded({ url, close }: Served, connections: string[]): Promise<Served> {
  const open = new Set<Socket>()
  const proxy = createServer({ allowHalfOpen: true }, (client) => {
    const at = connections.push('') - 1
    const server = connect({ host: url.hostname, port: Number(url.port), allowHalfOpen: true })
    server.on('data', (chunk) => (connections[at] += chunk.toString('latin1')))
    pass(client, server)
    pass(server, client)
    open.add(client).add(server)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  return {
    url: new URL(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`),
    close: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => proxy.close(resolve))
      await close()
    },
  }
}

/** Passes on bytes and the way a connection ends: a reset stays a reset. */
function pass(from: Socket, to: Socket): void {
  from.pipe(to)
  from.on('error', () => (to.writableEnded ? to.destroy() : to.resetAndDestroy()))
  from.on('close', () => to.destroySoon())
}
