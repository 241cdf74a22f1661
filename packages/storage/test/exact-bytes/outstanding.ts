import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

import { createMemoryLimiter, type ExportStore, type RateLimiter } from '@sallyport/core'
import { onTestFinished } from 'vitest'

import { openFiles } from '../../../../scripts/servers/open-files.ts'

/** What is out at the moment, and must come back. */
interface Outstanding {
  readonly descriptors: number
  readonly timers: number
  readonly sockets: number
  readonly places: number
}

/** A server in this process, and all that it may keep. */
export interface WatchedServer {
  readonly port: number
  readonly outstanding: () => Outstanding
}

export async function watchedServer(listener: RequestListener, places: () => number): Promise<WatchedServer> {
  const sockets = new Set<Socket>()
  const server = createServer(listener)
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    port: (server.address() as AddressInfo).port,
    outstanding: () => ({
      descriptors: openFiles().length,
      timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
      sockets: sockets.size,
      places: places(),
    }),
  }
}

/** A limiter that tells how many places are taken. */
export function countedLimiter(): { limiter: RateLimiter; places: () => number } {
  const inner = createMemoryLimiter()
  const taken = new Set<object>()
  return {
    places: () => taken.size,
    limiter: {
      admit: async (ask, signal) => {
        const admission = await inner.admit(ask, signal)
        if (!admission.admitted || ask.slots.length === 0) return admission
        const place = {}
        taken.add(place)
        return {
          ...admission,
          release: () => {
            taken.delete(place)
            admission.release()
          },
        }
      },
    },
  }
}

/** The same store, and a count of the chunks that were asked of it. */
export function countedChunks(store: ExportStore): { store: ExportStore; chunks: () => number } {
  let count = 0
  return {
    chunks: () => count,
    store: {
      head: (...args) => store.head(...args),
      get: async (...args) => {
        const object = await store.get(...args)
        if (!object) return undefined
        const chunks = object.chunks[Symbol.asyncIterator]()
        const next = (): Promise<IteratorResult<Uint8Array>> => {
          count += 1
          return chunks.next()
        }
        return {
          info: object.info,
          chunks: { [Symbol.asyncIterator]: () => ({ next }) },
          close: () => object.close(),
        }
      },
    },
  }
}
