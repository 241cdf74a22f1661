import { equal, notEqual, ok } from 'node:assert/strict'

import { exportIds } from './adapter-door.ts'
import { type AdapterCase, type AdapterScene, request } from './adapter-scene.ts'
import { cutAt, wholeBytes } from './adapter-store.ts'
import { requestHead } from './http1-client.ts'
import { openHttp1 } from './http1-connection.ts'
import { stages } from './port-watch.ts'
import { soon } from './store-scene.ts'

/** Ends before the end: the client's, and the store's. */
export const departures: readonly AdapterCase[] = [
  ...stages.map((stage): AdapterCase => ({
    title: `a client that is gone at the stage "${stage}" leaves nothing running`,
    hangsAt: stage,
    run: async ({ client, door }) => {
      const { begin } = await client()
      const leave = begin(request(stage === 'head' ? { method: 'HEAD' } : {}))
      await soon(
        door.until(() => door.reached(stage) === 1),
        'the stage',
      )
      leave()
      await leftAlone(door)
    },
  })),
  {
    title: 'a client that is gone in the middle of a body leaves nothing running',
    run: async ({ client, door }) => {
      const { beginBody } = await client()
      const leave = await beginBody(request({ id: exportIds.large }))
      leave()
      await leftAlone(door)
    },
  },
  {
    title: 'a store that breaks off in the middle of a body is a cut, never an end',
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
    title: `over plain HTTP/${version} a cut is a reset: many clients take an end for the whole`,
    over: 'http/1.1',
    run: async ({ url }) => {
      const { send, ended } = await openHttp1(url)
      send(requestHead(request({ id: exportIds.cut }), version))
      notEqual((await ended()).how, 'end')
    },
  })),
  {
    title: 'a browser whose download is cut gets an end before the length, after which it resumes by itself',
    over: 'http/1.1',
    run: async ({ url }) => {
      const { send, ended } = await openHttp1(url)
      send(requestHead(request({ id: exportIds.cut, headers: [['Sec-Fetch-Mode', 'navigate']] })))
      equal((await ended()).how, 'end')
    },
  },
  {
    title: 'a cut ends its connection, and the requests that waited behind it',
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
    title: 'requests behind one that is at work are not worked on, also not when their client goes',
    over: 'http/1.1',
    hangsAt: 'catalogue',
    run: async ({ url, door }) => {
      const { send, socket } = await openHttp1(url)
      send(requestHead(request()).repeat(3))
      await soon(
        door.until(() => door.reached('catalogue') === 1),
        'the first request',
      )
      socket.destroy()
      await leftAlone(door)
      equal(door.reached('verifier'), 1)
    },
  },
]

/** One exchange, ended by its client, and nothing of it left. */
async function leftAlone(door: AdapterScene['door']): Promise<void> {
  await soon(
    door.until(() => door.ended.length === 1 && door.running() === 0),
    'the end of the exchange',
  )
  equal(door.ended[0]?.outcome, 'client_aborted')
}
