import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request that came in, with its body as text. */
interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A server on 127.0.0.1 that remembers who asked. `await using` closes it. */
export interface TestServer extends AsyncDisposable {
  readonly url: URL
  readonly requests: readonly Received[]
  /** Resolves once so many requests have come in. */
  requested(count: number): Promise<void>
  /** Resolves once so many answers are over: sent, or cut off by the client. */
  ended(count: number): Promise<void>
  /** Answers differently from now on. */
  answer(next: Answer): void
}

/** A status and a body (JSON unless text), or a listener that does as it likes. */
export type Answer =
  | { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: unknown }
  | RequestListener

export async function serve(first: Answer): Promise<TestServer> {
  let current = first
  const requests: Received[] = []
  const [arrivals, endings] = [createCounter(), createCounter()]
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    response.on('close', endings.count)
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      requests.push({ method, path: url, headers, body: Buffer.concat(chunks).toString() })
      arrivals.count()
      if (typeof current === 'function') return current(request, response)
      const { status = 200, headers: fields = {}, body = '' } = current
      response.writeHead(status, fields).end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: new URL(`http://127.0.0.1:${port}/`),
    requests,
    requested: arrivals.reaches,
    ended: endings.reaches,
    answer(next) {
      current = next
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function createCounter(): { count: () => void; reaches: (wanted: number) => Promise<void> } {
  let total = 0
  const waiting: { wanted: number; resolve: () => void }[] = []
  return {
    count() {
      total += 1
      for (const { wanted, resolve } of waiting) if (total >= wanted) resolve()
    },
    reaches: (wanted) =>
      new Promise((resolve) => {
        waiting.push({ wanted, resolve })
        if (total >= wanted) resolve()
      }),
  }
}
