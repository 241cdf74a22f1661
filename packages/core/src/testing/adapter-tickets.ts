import { deepEqual, equal, match, notEqual } from 'node:assert/strict'

import { expectedAnswer, sameAnswer } from './adapter-expectation.ts'
import type { AdapterCase, AdapterScene } from './adapter-scene.ts'
import { pathOf, request } from './adapter-scene.ts'
import { exportIds } from './watched-handler.ts'
import { valueOf, type WireAnswer, type WireRequest } from './wire.ts'

const id = exportIds.whole
const ticketPath = `/exports/${id}/ticket`
const jsonOf = ({ body }: WireAnswer): Readonly<Record<string, unknown>> => {
  const value: unknown = JSON.parse(Buffer.from(body).toString())
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** Asks for a ticket of the known export, as a caller would, and gives the URL of the download. */
async function ticketUrl({ client }: AdapterScene): Promise<string> {
  const answer = await (await client()).ask(request({ method: 'POST', path: ticketPath }))
  equal(answer.status, 201, 'status')
  return String(jsonOf(answer)['url'])
}

/** A use of a ticket, and the status of its answer; the rest of the answer is what the guard says. */
interface Use {
  readonly title: string
  readonly status: number
  readonly method?: string
  readonly headers?: WireRequest['headers']
  readonly change?: (url: string) => string
  /** The export id that the route finds. */
  readonly id?: string
}

const accept = ['Accept', 'text/html,application/xhtml+xml,*/*;q=0.8'] as const

const uses: readonly Use[] = [
  { title: 'a whole export', status: 200 },
  { title: 'HEAD', status: 200, method: 'HEAD' },
  { title: 'a range', status: 206, headers: [['Range', 'bytes=10-19']] },
  { title: 'a parameter more', status: 200, change: (url) => `${url}&utm_source=a` },
  { title: 'a parameter before it', status: 200, change: (url) => url.replace('?', '?a=%zz&') },
  { title: 'percent-encoded dots', status: 200, change: (url) => url.replaceAll('.', '%2E') },
  { title: 'twice', status: 422, change: (url) => `${url}&sig=a` },
  { title: 'with a token', status: 422, headers: [['Authorization', 'Bearer reader']] },
  { title: 'cut short', status: 403, change: (url) => url.slice(0, -1) },
  { title: 'cut short, to a browser', status: 403, headers: [accept], change: (url) => url.slice(0, -1) },
  {
    title: 'HEAD of one cut short',
    status: 403,
    method: 'HEAD',
    headers: [accept],
    change: (url) => url.slice(0, -1),
  },
  { title: 'empty', status: 403, change: (url) => url.replace(/sig=.*/, 'sig=') },
  { title: 'as a list', status: 401, change: (url) => url.replace('sig=', 'sig[]=') },
  {
    title: 'for another export',
    status: 403,
    id: exportIds.empty,
    change: (url) => url.replace(id, exportIds.empty),
  },
]

/** Tickets: the route that issues them, and the query of the download. */
export const tickets: readonly AdapterCase[] = [
  ...uses.map(
    ({
      title,
      status,
      method = 'GET',
      headers = [],
      change = (url) => url,
      id: asked = id,
    }): AdapterCase => ({
      title: `a ticket: ${title} · ${status}`,
      run: async (scene) => {
        const path = change(await ticketUrl(scene))
        const sent = { method, path, headers: [...headers, ['X-Request-Id', 'contract'] as const] }
        const seen = await (await scene.client()).ask(sent)
        equal(seen.status, status, 'status')
        sameAnswer(seen, await expectedAnswer(sent, { exportId: asked }), scene.over)
      },
    }),
  ),
  {
    title: 'a ticket is issued, for the path that was asked · 201',
    run: async ({ client }) => {
      const { ask } = await client()
      const answers = [
        await ask(request({ method: 'POST', path: `${ticketPath}?a=b` })),
        await ask(request({ method: 'POST', path: `${ticketPath}?a=b` })),
      ]
      for (const answer of answers) {
        equal(answer.status, 201, 'status')
        const { url, ...others } = jsonOf(answer)
        match(String(url), /^\/exports\/[\da-f-]{36}\/download\?sig=[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/)
        equal(String(url).split('?')[0], pathOf(id))
        equal(valueOf(answer, 'location'), url)
        deepEqual(others, {
          expires_at: '2026-01-02T00:05:00.000Z',
          resume_until: '2026-01-03T00:00:00.000Z',
          filename: `export-${id}.jsonl`,
        })
        equal(valueOf(answer, 'cache-control'), 'no-store')
      }
      const [one, other] = answers.map(jsonOf)
      notEqual(one?.['url'], other?.['url'])
    },
  },
  ...(
    [
      ['POST', 401, [['Authorization', '']]],
      ['GET', 405, []],
      ['HEAD', 405, []],
      ['PUT', 405, []],
      ['OPTIONS', 204, []],
    ] as const
  ).map(([method, status, headers]): AdapterCase => ({
    title: `${method} of the route of tickets${status === 401 ? ', without credentials' : ''} · ${status}`,
    run: async ({ client, over }) => {
      const sent = request({ method, path: ticketPath, headers })
      const seen = await (await client()).ask(sent)
      equal(seen.status, status, 'status')
      sameAnswer(seen, await expectedAnswer(sent, { exportId: id }, 'handleTicket'), over)
    },
  })),
]
