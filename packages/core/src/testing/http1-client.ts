import { openHttp1 } from './http1-connection.ts'
import { valueOf, type WireClient, type WireRequest } from './wire.ts'

/** Formats the head of a request. */
export const requestHead = ({ method, path, headers }: WireRequest, version: '1.0' | '1.1' = '1.1'): string =>
  [
    `${method} ${path} HTTP/${version}`,
    'Host: exports.test',
    ...headers.map((pair) => pair.join(': ')),
    '',
    '',
  ].join('\r\n')

export async function connectHttp1(url: URL): Promise<WireClient> {
  const connection = await openHttp1(url)
  const { socket, send, answer, head, more, ended } = connection
  return {
    ask: (request) => {
      send(requestHead(request))
      return answer(request.method)
    },
    askCut: async (request) => {
      send(requestHead(request))
      const { status, headers } = await head()
      const { left, how } = await ended()
      return { status, promised: Number(valueOf({ headers }, 'content-length')), received: left.length, how }
    },
    begin: (request) => {
      send(requestHead(request))
      return () => void socket.destroy()
    },
    beginBody: async (request) => {
      send(requestHead(request))
      await head()
      await more()
      socket.pause()
      return () => void socket.resetAndDestroy()
    },
    close: () => void socket.destroy(),
  }
}
