import { deepEqual, equal } from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, constants } from 'node:http2'

import { exportIds } from './adapter-door.ts'
import { expectedAnswer, sameAnswer } from './adapter-expectation.ts'
import { type AdapterCase, request } from './adapter-scene.ts'
import { beginHttp2, closed, openHttp2 } from './http2-client.ts'
import { soon } from './store-scene.ts'

const over = 'h2'
const RESETS = 10_000
const AT_ONCE = 100
/** Fewer than Node lets a session reset before it ends it. */
const IN_A_SESSION = 500

/** What only HTTP/2 can do to a guard. */
export const streams: readonly AdapterCase[] = [
  {
    title: '10,000 rapid resets leave nothing running, and reach no catalogue and no store',
    over,
    hangsAt: 'verifier',
    run: async ({ url, door }) => {
      for (let reset = 0; reset < RESETS; reset += IN_A_SESSION) {
        const session = await openHttp2(url)
        for (let more = 0; more < IN_A_SESSION; more += AT_ONCE) await resetAtOnce(session)
        session.destroy()
      }
      await soon(
        door.until(() => door.running() === 0 && door.ended.length === door.asked()),
        'the end of all',
      )
      deepEqual([...new Set(door.ended.map(({ outcome }) => outcome))], ['client_aborted'])
      equal(
        door.reached('tenants') + door.reached('limiter') + door.reached('catalogue') + door.reached('get'),
        0,
      )
    },
  },
  {
    title: 'a session that ends under its downloads leaves nothing running',
    over,
    run: async ({ url, door }) => {
      const session = await openHttp2(url)
      for (let nth = 0; nth < 20; nth++) beginHttp2(session, request({ id: exportIds.large }))
      await soon(
        door.until(() => door.reached('audit') === 20),
        '20 downloads',
      )
      session.destroy()
      await soon(
        door.until(() => door.ended.length === 20 && door.running() === 0),
        'their end',
      )
    },
  },
  {
    title: 'a stream that is reset takes no other with it',
    over,
    run: async ({ client }) => {
      const { beginBody, ask } = await client()
      const leave = await beginBody(request({ id: exportIds.large }))
      leave()
      sameAnswer(await ask(request()), await expectedAnswer(request(), { exportId: exportIds.whole }), over)
    },
  },
  {
    title: 'GET with a body is answered, and its body is not waited for',
    over,
    run: async ({ url }) => {
      const session = await openHttp2(url)
      const stream = session.request(
        {
          ':path': request().path,
          authorization: 'Bearer reader',
          'x-org-name': 'acme',
        },
        { endStream: false },
      )
      stream.on('error', () => undefined)
      stream.write('hello')
      let received = 0
      stream.on('data', (chunk: Buffer) => (received += chunk.length))
      await soon(once(stream, 'end'), 'the end of the answer')
      equal(received, 200_003)
      session.destroy()
    },
  },
]

async function resetAtOnce(session: ClientHttp2Session): Promise<void> {
  const begun = Array.from({ length: AT_ONCE }, () => beginHttp2(session, request()))
  for (const stream of begun) stream.close(constants.NGHTTP2_CANCEL)
  await Promise.all(begun.map(closed))
}
