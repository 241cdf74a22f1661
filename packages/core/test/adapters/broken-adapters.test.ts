import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { expect, test } from 'vitest'

import type { ExportHandler, ExportRequest, ExportResponse } from '../../src/request-response.ts'
import { adapterContract, type Served } from '../../src/testing.ts'
import { routeParams } from './bare-node.ts'

/** An adapter as one writes it in a hurry. Each test below spoils or keeps one more thing. */
interface Hurry {
  readonly ask?: (request: IncomingMessage, response: ServerResponse) => Partial<ExportRequest>
  readonly head?: (answer: ExportResponse, response: ServerResponse) => void
  readonly fail?: (response: ServerResponse) => void
}

const serveInAHurry =
  ({ ask, head, fail }: Hurry) =>
  async (handler: ExportHandler): Promise<Served> => {
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const client = new AbortController()
      response.once('close', () => client.abort())
      const seen = await handler.handle({
        method: request.method ?? '',
        params: routeParams(request.url ?? ''),
        header: (name) => request.headers[name]?.toString(),
        signal: client.signal,
        ...ask?.(request, response),
      })
      if (head) head(seen, response)
      else response.writeHead(seen.status, { ...seen.headers })
      try {
        for await (const chunk of seen.body ?? []) response.write(chunk)
        response.end()
      } catch {
        if (fail) fail(response)
        else response.destroy()
      }
    }
    const server = createServer((request, response) => void answer(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return {
      url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
      close: async () => {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      },
    }
  }

const run = (title: string, hurry: Hurry): Promise<void> => {
  const found = adapterContract(serveInAHurry(hurry)).find((one) => one.title === title)
  return found ? found.run() : Promise.reject(new TypeError(`no case is called ${title}`))
}

test('the plain cases pass with the broken adapter', async () => {
  await expect(run('an export of no bytes · 200', {})).resolves.toBeUndefined()
  await expect(run('several ranges · 206', {})).resolves.toBeUndefined()
})

test.concurrent.each<[what: string, message: string, title: string, hurry: Hurry]>([
  [
    'adds a header field',
    'header fields',
    'HEAD · 200',
    {
      head: ({ status, headers }, response) => {
        response.setHeader('X-Powered-By', 'haste')
        response.writeHead(status, { ...headers })
      },
    },
  ],
  [
    'writes names in another case',
    'header fields',
    'OPTIONS, also without a valid token · 204',
    {
      head: ({ status, headers }, response) => {
        const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
        response.writeHead(status, Object.fromEntries(lower) as Record<string, string>)
      },
    },
  ],
  [
    'writes fields in another order',
    'header fields',
    'If-None-Match: * · 304',
    {
      head: ({ status, headers }, response) => {
        response.writeHead(status, Object.fromEntries(Object.entries(headers).toReversed()))
      },
    },
  ],
  [
    'omits the length',
    'nothing is chunked',
    'a whole export · 200',
    {
      head: ({ status, headers }, response) => {
        const others = Object.entries(headers).filter(([name]) => name !== 'Content-Length')
        response.writeHead(status, Object.fromEntries(others))
      },
    },
  ],
  [
    'ends a body that was cut',
    'the end of the connection',
    'a store that fails in the middle of a body leads to a cut, never to a normal end',
    { fail: (response) => response.end() },
  ],
  [
    'closes instead of resetting',
    'strictly unequal to',
    'HTTP/1.1: over plain HTTP/1.1 a cut is a reset, because many clients take a normal end for a complete body',
    {},
  ],
  [
    'keeps a connection that is to be closed',
    "'close'",
    'HTTP/1.1: a list of ranges: one response, then the end of the connection',
    {},
  ],
  ['sees only the first of two fields', 'status', 'HTTP/1.1: Authorization twice · 401', {}],
  [
    'leaves a request body for the next request',
    "'close'",
    'HTTP/1.1: GET with a body: one response, then the end of the connection',
    {},
  ],
  [
    'does not notice that its client has left',
    'the end of the exchange',
    'a client that leaves at the stage "catalogue" leaves nothing running',
    { ask: () => ({ signal: new AbortController().signal }) },
  ],
  [
    'keeps borrowed chunks',
    'they differ from byte 0',
    'a whole export · 200',
    { ask: () => ({ borrow: true }) },
  ],
  [
    'passes on a parameter that cannot be decoded',
    'header fields',
    'a path that cannot be decoded: never the export · 422',
    { ask: ({ url = '' }) => ({ params: { exportId: url.split('/')[2] } }) },
  ],
])(
  'an adapter that %s fails with "%s" in "%s"',
  async (_, message, title, hurry) => {
    await expect(run(title, hurry)).rejects.toThrow(message)
  },
  20_000,
)
