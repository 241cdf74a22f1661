import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'

import { authorization, path } from './guarded.ts'

/** What a client saw. */
export interface Seen {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly bytes: Buffer
  /** `false`: the connection was cut. */
  readonly complete: boolean
}

/** Fetches the export. @param dawdle - no byte of the body is read before it resolves */
export const download = (
  port: number,
  fields: Readonly<Record<string, string>> = {},
  dawdle: Promise<unknown> = Promise.resolve(),
): Promise<Seen> =>
  new Promise((resolve, reject) => {
    const headers = { authorization, ...fields }
    const client = request({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      const { statusCode: status = 0, headers } = response
      response.on('error', () => undefined)
      client.off('error', reject).on('error', () => undefined) // a reset: the response tells how far it came
      response.on('close', () =>
        resolve({ status, headers, bytes: Buffer.concat(chunks), complete: response.complete }),
      )
      void dawdle.then(() => response.on('data', (chunk: Buffer) => chunks.push(chunk)))
    })
    client.on('error', reject)
    client.end()
  })

const asks = `GET ${path} HTTP/1.1\r\nHost: test\r\nAuthorization: ${authorization}\r\n\r\n`

/** A client that reads as many bytes and leaves. */
export async function leaveAfter(port: number, bytes: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(asks)
  let read = 0
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    read += chunk.length
    if (read >= bytes) break
  }
  socket.destroy()
}

/** A client that takes one byte from its kernel, waits, and takes the next. */
export function readByteByByte(port: number, everyMs: number): { read(): number; leave(): void } {
  let read = 0
  let waits: NodeJS.Timeout | undefined
  const socket = connect({
    port,
    host: '127.0.0.1',
    onread: {
      buffer: Buffer.alloc(1),
      callback: (bytes) => {
        read += bytes
        waits = setTimeout(() => socket.resume(), everyMs)
        return false
      },
    },
  })
  socket.on('error', () => undefined)
  socket.write(asks)
  return {
    read: () => read,
    leave: () => {
      clearTimeout(waits)
      socket.destroy()
    },
  }
}
