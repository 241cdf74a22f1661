import { deepEqual, equal } from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, constants } from 'node:http2'

import { expectedAnswer, sameAnswer } from './adapter-expectation.ts'
import { type AdapterCase, request } from './adapter-scene.ts'
import { beginHttp2, closed, openHttp2 } from './http2-client.ts'
import { soon } from './store-scene.ts'
import { exportIds } from './watched-handler.ts'

const over = 'h2'
const RESETS = 10_000
const AT_ONCE = 100
/** Fewer than Node allows before it ends the session. */
const IN_A_SESSION = 500

/** Cases that only HTTP/2 has. */
export const http2Cases: readonly AdapterCase[] = [
  {
    title: '10,000 rapid resets leave nothing running, and reach no catalogue and no store',
    over,
    hangsAt: 'verifier',
    run: async ({ url, watched }) => {
      for (let reset = 0; reset < RESETS; reset += IN_A_SESSION) {
        const session = await openHttp2(url)
        for (let more = 0; more < IN_A_SESSION; more += AT_ONCE) await resetAtOnce(session)
        session.destroy()
      }
      await soon(
        watched.until(() => watched.running() === 0 && watched.ended.length === watched.asked()),
        'the end of all',
      )
      deepEqual([...new Set(watched.ended.map(({ outcome }) => outcome))], ['client_aborted'])
      equal(
        watched.reached('tenants') +
          watched.reached('limiter') +
          watched.reached('catalogue') +
          watched.reached('get'),
        0,
      )
    },
  },
  {
    title: 'a session that ends during its downloads leaves nothing running',
    over,
    run: async ({ url, watched }) => {
      const session = await openHttp2(url)
      for (let nth = 0; nth < 20; nth++) beginHttp2(session, request({ id: exportIds.large }))
      await soon(
        watched.until(() => watched.reached('audit') === 20),
        '20 downloads',
      )
      session.destroy()
      await soon(
        watched.until(() => watched.ended.length === 20 && watched.running() === 0),
        'their end',
      )
    },
  },
  {
    title: 'a reset of one stream does not affect others',
    over,
    run: async ({ client }) => {
      const { beginBody, ask } = await client()
      const leave = await beginBody(request({ id: exportIds.large }))
      leave()
      sameAnswer(await ask(request()), await expectedAnswer(request(), { exportId: exportIds.whole }), over)
    },
  },
  {
    title: 'GET with a body is answered before its body is complete',
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
