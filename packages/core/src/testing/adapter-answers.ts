import { equal } from 'node:assert/strict'

import type { ExportRequest } from '../request-response.ts'
import { expectedAnswer, sameAnswer } from './adapter-expectation.ts'
import { type AdapterCase, pathOf, request } from './adapter-scene.ts'
import { exportIds } from './watched-handler.ts'
import { valueOf, type WireRequest } from './wire.ts'

/** A request and the expected status. The rest of the response must equal the handler's. */
interface AnsweredRequest extends Partial<WireRequest> {
  readonly title: string
  readonly status: number
  readonly id?: string
  readonly token?: string
  readonly over?: 'http/1.1'
  /** The route parameters of the path. Absent: the export id. */
  readonly params?: ExportRequest['params']
}

const range = (value: string): WireRequest['headers'] => [['Range', value]]
const id = exportIds.whole

const answered: readonly AnsweredRequest[] = [
  { title: 'a whole export', status: 200 },
  { title: 'an export of no bytes', status: 200, id: exportIds.empty },
  { title: 'HEAD', status: 200, method: 'HEAD' },
  { title: 'OPTIONS, also without a valid token', status: 204, method: 'OPTIONS', token: 'stranger' },
  {
    title: 'an id in capitals',
    status: 200,
    path: pathOf(id.toUpperCase()),
    params: { exportId: id.toUpperCase() },
  },
  { title: 'another version', status: 200, headers: [['X-API-Version', 'v2']] },
  { title: 'a query', status: 200, path: `${pathOf(id)}?from=%zz&a=b`, params: { exportId: id } },

  { title: 'a range', status: 206, headers: range('bytes=65530-65545') },
  { title: 'the last bytes', status: 206, headers: range('bytes=-1') },
  { title: 'a range to the end', status: 206, headers: range('bytes=200002-') },
  { title: 'several ranges', status: 206, headers: range('bytes=0-9, 1000-1009, 199990-') },
  { title: 'a malformed range', status: 200, headers: range('bytes=9-1') },
  { title: 'a range of HEAD', status: 200, method: 'HEAD', headers: range('bytes=0-9') },
  {
    title: 'a range with an If-Range that does not match',
    status: 200,
    headers: [...range('bytes=0-9'), ['If-Range', '"other"']],
  },
  { title: 'a range past the end', status: 416, headers: range('bytes=200003-') },
  { title: 'If-None-Match: *', status: 304, headers: [['If-None-Match', '*']] },
  { title: 'If-None-Match: * of HEAD', status: 304, method: 'HEAD', headers: [['If-None-Match', '*']] },
  { title: 'If-Match of another object', status: 412, headers: [['If-Match', '"other"']] },

  { title: 'no credentials', status: 401, headers: [['Authorization', '']] },
  { title: 'an unknown token', status: 401, token: 'stranger' },
  {
    title: 'a token in the query',
    status: 401,
    path: `${pathOf(id)}?access_token=reader`,
    params: { exportId: id },
    headers: [['Authorization', '']],
  },
  { title: 'HEAD without credentials', status: 401, method: 'HEAD', headers: [['Authorization', '']] },
  { title: 'no capability', status: 403, token: 'guest' },
  { title: 'an organization that the token does not list', status: 403, headers: [['X-Org-Name', 'globex']] },
  { title: 'a malformed id', status: 422, path: pathOf('nope'), params: { exportId: 'nope' } },
  {
    title: 'three faults in one answer',
    status: 422,
    path: pathOf('nope'),
    params: { exportId: 'nope' },
    headers: [
      ['X-Org-Name', '!'],
      ['X-API-Version', 'v9'],
    ],
  },
  { title: 'a missing export', status: 404, id: exportIds.missing },
  { title: 'a used-up quota', status: 429, token: 'busy' },
  {
    title: 'a used-up quota, in another version',
    status: 429,
    token: 'busy',
    headers: [['X-API-Version', 'v2']],
  },
  { title: 'a bug', status: 500, id: exportIds.broken },
  { title: 'a store that answers wrongly', status: 502, id: exportIds.wrong },
  { title: 'a store that does not answer', status: 503, id: exportIds.silent },
  { title: 'HEAD of a store that does not answer', status: 503, id: exportIds.silent, method: 'HEAD' },

  ...['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'TRACE', 'QUERY'].map((method) => ({
    title: method,
    status: 405,
    method,
  })),
  { title: 'GET with X-HTTP-Method-Override', status: 200, headers: [['X-HTTP-Method-Override', 'DELETE']] },
  {
    title: 'POST with X-HTTP-Method-Override',
    status: 405,
    method: 'POST',
    headers: [['X-HTTP-Method-Override', 'GET']],
  },

  {
    title: 'Authorization twice',
    status: 401,
    over: 'http/1.1',
    headers: [
      ['Authorization', 'Bearer reader'],
      ['Authorization', 'Bearer reader'],
    ],
  },
  {
    title: 'X-Org-Name twice',
    status: 422,
    headers: [
      ['X-Org-Name', 'acme'],
      ['x-org-name', 'acme'],
    ],
  },
  {
    title: 'X-API-Version twice',
    status: 422,
    headers: [
      ['X-API-Version', 'v1'],
      ['X-API-Version', 'v1'],
    ],
  },
  {
    title: 'Range twice',
    status: 200,
    over: 'http/1.1',
    headers: [...range('bytes=0-9'), ...range('bytes=0-9')],
  },
  {
    title: 'If-Range twice',
    status: 200,
    over: 'http/1.1',
    headers: [...range('bytes=0-9'), ['If-Range', '"a"'], ['If-Range', '"a"']],
  },

  ...[
    ['a path that cannot be decoded', '/exports/%zz/download'],
    ['a path that is not UTF-8', '/exports/%ff/download'],
    ['a trailing slash', `${pathOf(id)}/`],
    ['a path in capitals', `/EXPORTS/${id}/DOWNLOAD`],
    ['a segment in capitals', `/exports/${id}/Download`],
    ['an additional segment', `${pathOf(id)}/x.css`],
    ['an additional path parameter', `${pathOf(id)};.css`],
    ['an encoded slash', `${pathOf(id)}%2fx`],
    ['an encoded letter', `/exports/${id}/downloa%64`],
    ['an extension', `${pathOf(id)}.css`],
    ['two slashes', `/exports//${id}/download`],
    ['no id', '/exports//download'],
  ].map(([what = '', path = '']) => ({ title: `${what}: never the export`, status: 422, path, params: {} })),
  {
    title: 'a path that cannot be decoded, without credentials',
    status: 401,
    path: '/exports/%zz/download',
    params: {},
    headers: [['Authorization', '']],
  },
  {
    title: 'a path that cannot be decoded, with a wrong method',
    status: 405,
    method: 'DELETE',
    path: '/exports/%zz/download',
    params: {},
  },
  {
    title: 'an id with an encoded slash',
    status: 422,
    path: pathOf(`..%2f${id}`),
    params: { exportId: `../${id}` },
  },
  { title: 'an encoded NUL', status: 422, path: pathOf(`${id}%00`), params: { exportId: `${id}\0` } },
]

/** Cases of one request. Its response must equal the handler's. */
export const answers: readonly AdapterCase[] = [
  ...answered.map(({ title, status, over, params, ...changes }): AdapterCase => ({
    title: `${title} · ${status}`,
    over,
    run: async ({ client, over }) => {
      const asked = request(changes)
      const seen = await (await client()).ask(asked)
      equal(seen.status, status, 'status')
      sameAnswer(seen, await expectedAnswer(asked, params ?? { exportId: changes.id ?? id }), over)
    },
  })),
  {
    title: 'the ETag of one response leads to 304, 206 and 412 · 200',
    run: async ({ client, over }) => {
      const { ask } = await client()
      const etag = valueOf(await ask(request()), 'etag') ?? ''
      const conditions = [
        { status: 304, headers: [['If-None-Match', `W/${etag}, "other"`]] },
        {
          status: 206,
          headers: [
            ['Range', 'bytes=0-9'],
            ['If-Range', etag],
          ],
        },
        { status: 200, headers: [['If-Match', etag]] },
        { status: 412, headers: [['If-Match', `W/${etag}`]] },
      ] as const
      for (const { status, headers } of conditions) {
        const asked = request({ headers })
        const seen = await ask(asked)
        equal(seen.status, status, 'status')
        sameAnswer(seen, await expectedAnswer(asked, { exportId: id }), over)
      }
    },
  },
]
