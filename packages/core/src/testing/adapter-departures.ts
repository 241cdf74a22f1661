import { equal, notEqual, ok } from 'node:assert/strict'

import { type AdapterCase, type AdapterScene, request } from './adapter-scene.ts'
import { cutAt, wholeBytes } from './adapter-store.ts'
import { requestHead } from './http1-client.ts'
import { openHttp1 } from './http1-connection.ts'
import { stages } from './port-watch.ts'
import { soon } from './store-scene.ts'
import { exportIds } from './watched-handler.ts'

/** Cases of a client that leaves early, and of a store that cuts a body. */
export const departures: readonly AdapterCase[] = [
  ...stages.map((stage): AdapterCase => ({
    title: `a client that leaves at the stage "${stage}" leaves nothing running`,
    hangsAt: stage,
    run: async ({ client, watched }) => {
      const { begin } = await client()
      const leave = begin(request(stage === 'head' ? { method: 'HEAD' } : {}))
      await soon(
        watched.until(() => watched.reached(stage) === 1),
        'the stage',
      )
      leave()
      await endedByClient(watched)
    },
  })),
  {
    title: 'a client that leaves in the middle of a body leaves nothing running',
    run: async ({ client, watched }) => {
      const { beginBody } = await client()
      const leave = await beginBody(request({ id: exportIds.large }))
      leave()
      await endedByClient(watched)
    },
  },
  {
    title: 'a store that fails in the middle of a body leads to a cut, never to a normal end',
    run: async ({ client, over }) => {
      const { askCut } = await client()
      const { status, promised, received, how } = await askCut(request({ id: exportIds.cut }))
      equal(status, 200)
      equal(promised, wholeBytes.length)
      ok(received <= cutAt, 'no byte after the cut')
      equal(over === 'h2' ? how : 'INTERNAL_ERROR', 'INTERNAL_ERROR')
    },
  },
  ...(['1.0', '1.1'] as const).map((version): AdapterCase => ({
    title: `over plain HTTP/${version} a cut is a reset, because many clients take a normal end for a complete body`,
    over: 'http/1.1',
    run: async ({ url }) => {
      const { send, ended } = await openHttp1(url)
      send(requestHead(request({ id: exportIds.cut }), version))
      notEqual((await ended()).how, 'end')
    },
  })),
  {
    title: 'a browser whose download is cut gets a normal end before the length, and then resumes by itself',
    over: 'http/1.1',
    run: async ({ url }) => {
      const { send, ended } = await openHttp1(url)
      send(requestHead(request({ id: exportIds.cut, headers: [['Sec-Fetch-Mode', 'navigate']] })))
      equal((await ended()).how, 'end')
    },
  },
  {
    title: 'a cut ends its connection, and the requests that wait behind it',
    over: 'http/1.1',
    run: async ({ url }) => {
      const { send, head, ended } = await openHttp1(url)
      send(requestHead(request({ id: exportIds.cut })) + requestHead(request()))
      await head()
      const { left } = await ended()
      equal(Buffer.from(left).includes('HTTP/1.1'), false, 'a second answer')
    },
  },
  {
    title: 'requests behind a running one are not handled, also not after their client has left',
    over: 'http/1.1',
    hangsAt: 'catalogue',
    run: async ({ url, watched }) => {
      const { send, socket } = await openHttp1(url)
      send(requestHead(request()).repeat(3))
      await soon(
        watched.until(() => watched.reached('catalogue') === 1),
        'the first request',
      )
      socket.destroy()
      await endedByClient(watched)
      equal(watched.reached('verifier'), 1)
    },
  },
]

/** Expects that the client ended the one exchange, and that nothing leaks. */
async function endedByClient(watched: AdapterScene['watched']): Promise<void> {
  await soon(
    watched.until(() => watched.ended.length === 1 && watched.running() === 0),
    'the end of the exchange',
  )
  equal(watched.ended[0]?.outcome, 'client_aborted')
}
