import { Redis as IoRedis } from 'ioredis'
import { createClient } from 'redis'

import type { Send } from '../../src/redis-limiter.ts'

/** A client of each kind, as a host would make it: with defaults, which wait for ever. */
export interface Client {
  readonly send: Send
  close(): Promise<void>
}

async function nodeRedis(port: number): Promise<Client> {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: 50 } })
  client.on('error', () => undefined)
  await client.connect()
  return {
    send: (command) => client.sendCommand(command),
    close: async () => {
      client.destroy()
    },
  }
}

export async function ioRedis(port: number): Promise<Client> {
  const client = new IoRedis(port, '127.0.0.1', { retryStrategy: () => 50, lazyConnect: true })
  client.on('error', () => undefined)
  await client.connect()
  return {
    send: (command) => client.call(...command),
    close: async () => {
      client.disconnect()
    },
  }
}

export const clients: readonly {
  readonly kind: string
  readonly connect: (port: number) => Promise<Client>
}[] = [
  { kind: 'node-redis', connect: nodeRedis },
  { kind: 'ioredis', connect: ioRedis },
]
