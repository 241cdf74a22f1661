import { once } from 'node:events'
import { type Agent, type IncomingHttpHeaders, request } from 'node:http'
import { connect, type Socket } from 'node:net'

/** A response as Node's strict HTTP/1.1 client sees it. */
export interface Seen {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Whether the response ended as its head promised. */
  readonly complete: boolean
  /** Whether the request used the connection of an earlier one. */
  readonly reused: boolean
}

export interface Asked {
  readonly method?: string
  /** Names and values, in turn. */
  readonly headers?: readonly string[]
}

/** Asks for the download of an export. A connection that is reset before the head of a response gives status 0. */
export function ask(
  port: number,
  id: string,
  { method = 'GET', headers = [] }: Asked,
  agent?: Agent,
): Promise<Seen> {
  const all = ['Host', 'exports.test', ...credentials(headers), ...headers]
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path: pathOf(id), method, headers: all, agent })
    asked.once('error', () =>
      resolve({ status: 0, headers: {}, body: Buffer.alloc(0), complete: false, reused: asked.reusedSocket }),
    )
    asked.once('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', () => undefined)
      response.once('close', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
          complete: response.complete,
          reused: asked.reusedSocket,
        }),
      )
    })
    asked.end()
  })
}

/** Asks for a download by hand. Reads nothing until `resume` of the socket. */
export async function begin(port: number, id: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(`GET ${pathOf(id)} HTTP/1.1\r\nHost: exports.test\r\nAuthorization: Bearer ann\r\n\r\n`)
  return socket
}

const pathOf = (id: string): string => `/exports/${id}/download`
const credentials = (headers: readonly string[]): readonly string[] =>
  headers.includes('Authorization') ? [] : ['Authorization', 'Bearer ann']
