import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'

import { createAnswerReader, type ReadAnswer } from './answer-reader.ts'

/** An open connection. */
export interface Connection {
  /**
   * Sends one request after the other until `takeRequest` returns none, and records how many milliseconds each right response
   * took. Resolves with `false` after a wrong response, an end of the connection, or 30 s without a byte.
   */
  use(
    takeRequest: () => string | Uint8Array | undefined,
    length: number,
    latencies: number[],
  ): Promise<boolean>
}

const silenceMs = 30_000

/** Opens an HTTP/1.1 connection to a loopback port. The certificate is not checked. `undefined`: that failed. */
export function openConnection(port: number, transport: 'http' | 'https'): Promise<Connection | undefined> {
  let take: (bytes: Buffer) => void = () => undefined
  let over: () => void = () => undefined
  let isOver = false
  return new Promise((resolve) => {
    const end = (): void => {
      isOver = true
      socket.destroy()
      resolve(undefined)
      over()
    }
    const onData = (bytes: Buffer): void => take(bytes)
    const plain = {
      port,
      host: '127.0.0.1',
      noDelay: true,
      // One buffer for the whole connection: a new one for each read would cost more than the read.
      onread: {
        buffer: Buffer.allocUnsafeSlow(262_144),
        callback: (count: number, buffer: Uint8Array) => {
          take(Buffer.from(buffer.buffer, buffer.byteOffset, count))
          return true
        },
      },
    }
    const socket =
      transport === 'http'
        ? connect(plain)
        : connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }).on('data', onData)
    socket.setTimeout(silenceMs, end)
    socket.on('error', end)
    socket.on('close', end)
    const use: Connection['use'] = (takeRequest, expected, latencies) =>
      new Promise((settle) => {
        let sentAt = 0
        let isHead = false
        over = () => settle(false)
        if (isOver) return over()
        const send = (): void => {
          const request = takeRequest()
          // The client closes between two requests, so that the server does not see a broken download.
          if (request === undefined) return void (settle(true), socket.end())
          isHead = String(request.slice(0, 4)) === 'HEAD'
          sentAt = performance.now()
          socket.write(request, 'latin1')
        }
        const onAnswer = ({ status, length }: ReadAnswer): void => {
          if (status !== 200 || length !== expected) return end()
          latencies.push(performance.now() - sentAt)
          send()
        }
        take = createAnswerReader(onAnswer, () => isHead)
        send()
      })
    socket.on(transport === 'http' ? 'connect' : 'secureConnect', () => resolve({ use }))
  })
}
