import type { Server } from 'node:http'

import type { ExportHandler } from '@sallyport/core'

import type { Settings } from './environment.ts'
import type { Log } from './log.ts'

/** A service from its start to its end. */
export interface Life {
  readonly draining: boolean
  /**
   * Listens, and says where. From then on a signal drains: new requests get 503, running downloads go on, those that still run
   * after `DRAIN_MS` are cut, and the process exits with 0.
   *
   * @param more - further lines to print: a greeting, and where the metrics are
   */
  listen(
    server: Server,
    handler: ExportHandler,
    more: {
      readonly greeting: ((origin: string) => string) | undefined
      readonly metricsUrl: string | undefined
    },
  ): void
}

/** Ends the process at a signal. Until it listens there is nothing to wait for. */
export function startLife({ host, port, drainMs }: Settings, log: Log): Life {
  let draining = false
  const end = async (): Promise<void> => {
    await log.flush()
    process.exit(0)
  }
  let stop = (): void => process.exit(0)
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => stop())

  return {
    get draining() {
      return draining
    },
    listen(server, handler, { greeting, metricsUrl }) {
      const drain = async (): Promise<void> => {
        if (draining) return
        draining = true
        await handler.drain({ withinMs: drainMs })
        server.close(() => void end()) // waits for answers that are being written, and closes idle connections
        setTimeout(() => void end(), 1_000)
      }
      stop = () => void drain()
      server.on('error', (error: NodeJS.ErrnoException) => {
        console.error(`HOST, PORT: cannot listen there (${error.code ?? error.name})`)
        process.exit(1)
      })
      server.listen(port, host, () => {
        const address = server.address()
        const actual = typeof address === 'object' && address ? address.port : port
        const origin = `http://${host.includes(':') ? `[${host}]` : host}:${actual}`
        log.print(`listening on ${origin}`)
        if (greeting) log.print(greeting(origin))
        if (metricsUrl !== undefined) log.print(`metrics on ${metricsUrl}`)
        void log.flush()
      })
    },
  }
}
