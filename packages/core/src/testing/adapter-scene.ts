import type { ExportHandler } from '../request-response.ts'
import { connectHttp1 } from './http1-client.ts'
import { connectHttp2 } from './http2-client.ts'
import type { Stage } from './port-watch.ts'
import { soon } from './store-scene.ts'
import { type WatchedHandler, exportIds, createWatchedHandler } from './watched-handler.ts'
import type { WireClient, WireRequest } from './wire.ts'

/** A running server with the adapter mounted. */
export interface Served {
  /** `http:` for HTTP/1.1, `h2c:` for HTTP/2 without TLS. Its path is ignored. */
  readonly url: URL
  /** Stops the server and closes all its connections. */
  readonly close: () => Promise<void>
}

export type Serve = (handler: ExportHandler) => Promise<Served>

/** What a case gets: a server with a watched handler, and clients of it. */
export interface AdapterScene {
  readonly url: URL
  readonly over: 'http/1.1' | 'h2'
  readonly watched: WatchedHandler
  /** Opens a client with its own connection. It is closed at the end of the case. */
  readonly client: () => Promise<WireClient>
}

/** A rule that every adapter must follow. */
export interface AdapterCase {
  readonly title: string
  /** The protocol of the case. Absent: both. */
  readonly over?: AdapterScene['over'] | undefined
  /** The stage of the handler that hangs until its signal fires. Absent: none. */
  readonly hangsAt?: Stage
  readonly run: (scene: AdapterScene) => Promise<void>
}

/** Runs a case on its own server, and checks that nothing leaks. */
export async function runCase(serve: Serve, { over, hangsAt, run }: AdapterCase): Promise<void> {
  const watched = createWatchedHandler(hangsAt)
  const served = await serve(watched.handler)
  const clients: WireClient[] = []
  const speaks = served.url.protocol === 'h2c:' ? 'h2' : 'http/1.1'
  try {
    if (over !== undefined && over !== speaks) return
    await run({
      url: served.url,
      over: speaks,
      watched,
      client: async () => {
        const client = await (speaks === 'h2' ? connectHttp2 : connectHttp1)(served.url)
        clients.push(client)
        return client
      },
    })
    await soon(
      watched.until(() => watched.running() === 0 && watched.ended.length === watched.asked()),
      'the end of all requests, calls and open objects',
    )
  } finally {
    for (const client of clients) client.close()
    await served.close()
  }
}

/** The path of an export's download. */
export const pathOf = (id: string): string => `/exports/${id}/download`

/** Makes a request for a whole export, with these changes. A field with the value `''` is not sent. */
export function request(
  changes: Partial<WireRequest> & { readonly id?: string; readonly token?: string } = {},
): WireRequest {
  const { id = exportIds.whole, token = 'reader', method = 'GET', path = pathOf(id), headers = [] } = changes
  const given = new Set(headers.map(([name]) => name.toLowerCase()))
  const usual = [
    ['Authorization', `Bearer ${token}`],
    ['X-Org-Name', 'acme'],
    ['X-Request-Id', 'contract'],
  ] as const
  const sent = [...usual.filter(([name]) => !given.has(name.toLowerCase())), ...headers]
  return { method, path, headers: sent.filter(([, value]) => value !== '') }
}
