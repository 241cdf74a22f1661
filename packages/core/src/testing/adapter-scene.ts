import type { ExportHandler } from '../request-response.ts'
import { type Door, exportIds, openDoor } from './adapter-door.ts'
import { connectHttp1 } from './http1-client.ts'
import { connectHttp2 } from './http2-client.ts'
import type { Stage } from './port-watch.ts'
import { soon } from './store-scene.ts'
import type { WireClient, WireRequest } from './wire.ts'

/** A server with an adapter mounted in it. */
export interface Served {
  /** `http:` for HTTP/1.1, `h2c:` for HTTP/2 without TLS; its path does not count. */
  readonly url: URL
  /** Ends the server and every connection to it. */
  readonly close: () => Promise<void>
}

export type Serve = (handler: ExportHandler) => Promise<Served>

/** What a case plays with: a served door, and clients of it. */
export interface AdapterScene {
  readonly url: URL
  readonly over: 'http/1.1' | 'h2'
  readonly door: Door
  /** A client, over a connection of its own, that is closed with the scene. */
  readonly client: () => Promise<WireClient>
}

/** A rule that every adapter keeps. */
export interface AdapterCase {
  readonly title: string
  /** Absent: over both. */
  readonly over?: AdapterScene['over'] | undefined
  /** The stage of the guard that waits until it is let go. Absent: none. */
  readonly hangsAt?: Stage
  readonly run: (scene: AdapterScene) => Promise<void>
}

/** Plays a case on a server of its own, and sees that nothing is left of it. */
export async function playCase(serve: Serve, { over, hangsAt, run }: AdapterCase): Promise<void> {
  const door = openDoor(hangsAt)
  const served = await serve(door.handler)
  const clients: WireClient[] = []
  const speaks = served.url.protocol === 'h2c:' ? 'h2' : 'http/1.1'
  try {
    if (over !== undefined && over !== speaks) return
    await run({
      url: served.url,
      over: speaks,
      door,
      client: async () => {
        const client = await (speaks === 'h2' ? connectHttp2 : connectHttp1)(served.url)
        clients.push(client)
        return client
      },
    })
    await soon(
      door.until(() => door.running() === 0 && door.ended.length === door.asked()),
      'the end of all that was begun',
    )
  } finally {
    for (const client of clients) client.close()
    await served.close()
  }
}

/** The path of an export that the cases know. */
export const pathOf = (id: string): string => `/exports/${id}/download`

/** A request that is answered with the whole, but for what is given. A field that is given as `''` is not sent. */
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
