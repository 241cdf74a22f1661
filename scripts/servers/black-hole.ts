import { connect, type Socket } from 'node:net'

import { startDaemon, until } from './daemon.ts'

/** An address that does not answer: connections to it are neither accepted nor refused. */
export interface BlackHole {
  readonly port: number
  close(): Promise<void>
}

const LISTENER = `
const server = require('node:net').createServer()
server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => console.log('port=' + server.address().port))`

/** Starts a frozen listener with a full backlog. The kernel drops further connections. */
export async function startBlackHole(): Promise<BlackHole> {
  const daemon = startDaemon(process.execPath, ['-e', LISTENER])
  const found = (): RegExpExecArray | null => /port=(\d+)/.exec(daemon.output())
  await until('the listener listens', () => found() !== null)
  const port = Number(found()?.[1])
  daemon.freeze()
  const sockets: Socket[] = []
  await until('a connection hangs', async () => {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    sockets.push(socket)
    await new Promise((resolve) => setTimeout(resolve, 100))
    return socket.connecting
  })
  return {
    port,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await daemon.end()
    },
  }
}
