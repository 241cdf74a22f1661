import { connect } from 'node:net'

import { createAnswerReader, type ReadAnswer } from './answer-reader.ts'

/** A connection that stands. */
export interface Connection {
  /**
   * Sends one request after the other, until `takeRequest` gives none, and notes how many milliseconds each right answer
   * took. Settles with whether it held: `false` after a wrong answer, an end or 30 s of silence.
   */
  use(
    takeRequest: () => string | Uint8Array | undefined,
    length: number,
    latencies: number[],
  ): Promise<boolean>
}

const silenceMs = 30_000

/** Connects to a port of the loopback. `undefined`: it could not. */
export function openLine(port: number): Promise<Connection | undefined> {
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
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      // One buffer for the life of the connection: a fresh one for each read would cost more than the reading.
      onread: {
        buffer: Buffer.allocUnsafeSlow(262_144),
        callback: (count, buffer) => {
          take(Buffer.from(buffer.buffer, buffer.byteOffset, count))
          return true
        },
      },
    })
    socket.setTimeout(silenceMs, end)
    socket.on('error', end)
    socket.on('close', end)
    const use: Connection['use'] = (takeRequest, expected, latencies) =>
      new Promise((settle) => {
        let sentAt = 0
        over = () => settle(false)
        if (isOver) return over()
        const send = (): void => {
          const request = takeRequest()
          // Between two requests a client may leave: the server must not take that for a broken download.
          if (request === undefined) return void (settle(true), socket.end())
          sentAt = performance.now()
          socket.write(request, 'latin1')
        }
        take = createAnswerReader(({ status, length }: ReadAnswer) => {
          if (status !== 200 || length !== expected) return end()
          latencies.push(performance.now() - sentAt)
          send()
        })
        send()
      })
    socket.on('connect', () => resolve({ use }))
  })
}
