import { gzipSync } from 'node:zlib'

import { expect, onTestFinished, test } from 'vitest'

import { checkEndpoint } from '../src/check-endpoint.ts'
import {
  type Asked,
  type Choices,
  content,
  decideRightly,
  ids,
  refuse,
  type Reply,
  startServer,
  token,
} from './servers/export-server.ts'

// Servers that are right by RFC 9110 and choose otherwise than Sallyport. The generic profile finds nothing.

interface Choice {
  readonly title: string
  readonly choices?: Choices
  readonly change?: (reply: Reply, asked: Asked) => Reply
}

const promises = [
  'cache-control',
  'x-content-type-options',
  'content-security-policy',
  'referrer-policy',
  'content-disposition',
  'ratelimit',
  'repr-digest',
]
const bare: Choices['fields'] = Object.fromEntries<undefined>(promises.map((name) => [name, undefined]))
const zipped = gzipSync(content)

const rangeOf = (text: string, first: number, last: number): string =>
  `--b\r\nContent-Type: text/csv\r\nContent-Range: bytes ${first}-${last}/${content.length}\r\n\r\n${text}\r\n`

const choices: readonly Choice[] = [
  { title: 'what Sallyport does' },
  { title: 'no promises of Sallyport', choices: { fields: bare } },
  { title: 'a weak ETag', choices: { etag: 'W/"first"' } },
  { title: 'Last-Modified only', choices: { etag: null } },
  { title: 'ETag only', choices: { lastModified: null } },
  { title: 'no validator', choices: { etag: null, lastModified: null } },
  { title: 'no ranges: Accept-Ranges: none', choices: { hasRanges: false } },
  {
    title: 'no ranges and no Accept-Ranges',
    choices: { hasRanges: false, fields: { 'accept-ranges': undefined } },
  },
  { title: 'ranges without Accept-Ranges', choices: { fields: { 'accept-ranges': undefined } } },
  {
    title: 'nothing but bytes',
    choices: {
      etag: null,
      lastModified: null,
      hasRanges: false,
      fields: { ...bare, 'accept-ranges': undefined, 'content-type': undefined },
    },
  },
  { title: 'chunked', change: (reply) => (reply.status === 200 ? { ...reply, isChunked: true } : reply) },
  {
    title: 'HEAD without Content-Length',
    change: (reply, { method }) => (method === 'HEAD' ? { ...reply, isChunked: true } : reply),
  },
  {
    title: '403 for a missing export',
    change: (reply) => (reply.status === 404 ? { ...reply, status: 403 } : reply),
  },
  {
    title: '410 for a missing export',
    change: (reply) => (reply.status === 404 ? { ...reply, status: 410 } : reply),
  },
  { title: '403 for a wrong token', change: (reply) => (reply.status === 401 ? { ...refuse(403) } : reply) },
  { title: '404 for a stranger', change: (reply) => (reply.status === 401 ? { ...refuse(404) } : reply) },
  {
    title: 'refusals as pages',
    change: (reply) =>
      reply.status >= 400 ? { ...reply, headers: { ...reply.headers, 'content-type': 'text/html' } } : reply,
  },
  {
    title: '416 for a malformed range',
    change: (reply, { headers }) =>
      headers.range === 'bytes=9-0' ? refuse(416, { 'content-range': 'bytes */150000' }) : reply,
  },
  {
    title: '416 for several ranges',
    change: (reply, { headers }) =>
      /,/.test(headers.range ?? '') ? refuse(416, { 'content-range': 'bytes */150000' }) : reply,
  },
  {
    title: 'several ranges as multipart/byteranges',
    change: (reply, { headers }) => {
      if (!/,/.test(headers.range ?? '')) return reply
      const body = Buffer.from(`${rangeOf('0123456789', 0, 9)}${rangeOf('0123456789', 150, 159)}--b--\r\n`)
      return { status: 206, headers: { 'content-type': 'multipart/byteranges; boundary=b' }, body }
    },
  },
  {
    title: 'a compressed variant, with an ETag of its own and ranges of it',
    change: (reply, asked) => {
      const takesGzip = /gzip/.test(asked.headers['accept-encoding'] ?? '')
      if (!takesGzip || (reply.status !== 200 && reply.status !== 206))
        return { ...reply, headers: { ...reply.headers, vary: 'Accept-Encoding' } }
      const variant = decideRightly({
        body: zipped,
        etag: '"zipped"',
        fields: { 'content-encoding': 'gzip', vary: 'Accept-Encoding' },
      })
      return variant(asked)
    },
  },
  {
    title: 'compressed on the fly: a weak ETag, no length',
    change: (reply, { headers }) =>
      reply.status === 200 && /gzip/.test(headers['accept-encoding'] ?? '')
        ? {
            ...reply,
            body: zipped,
            isChunked: true,
            headers: {
              ...reply.headers,
              etag: 'W/"first"',
              'content-encoding': 'gzip',
              vary: 'accept-encoding',
            },
          }
        : reply,
  },
  { title: '501 for other methods', change: (reply) => (reply.status === 405 ? refuse(501) : reply) },
  { title: '404 for other methods', change: (reply) => (reply.status === 405 ? refuse(404) : reply) },
  {
    title: 'OPTIONS is not there',
    change: (reply, { method }) => (method === 'OPTIONS' ? refuse(405, { allow: 'GET, HEAD' }) : reply),
  },
  { title: 'an empty export', choices: { body: new Uint8Array() } },
  { title: 'an export of one byte', choices: { body: content.subarray(0, 1) } },
  { title: 'an export of 50 bytes', choices: { body: content.subarray(0, 50) } },
  { title: 'an export of 65,536 bytes', choices: { body: content.subarray(0, 65_536) } },
  {
    title: 'an age, from a cache on the way',
    choices: { fields: { age: '17', 'cache-control': 'private' } },
  },
]

test.each(choices)('$title: no false alarm', async ({ choices: chosen, change }) => {
  const right = decideRightly(chosen)
  const server = await startServer((asked) => (change ? change(right(asked), asked) : right(asked)))
  onTestFinished(() => server.close())
  const report = await checkEndpoint(server.url(ids.own), {
    token,
    full: true,
    profile: 'generic',
    foreignUrl: server.url(ids.foreign),
    secondUrl: server.url(ids.second),
  })
  const alarms = report.checks.filter(({ verdict }) => verdict === 'warn' || verdict === 'fail')
  expect(alarms.map(({ id, detail }) => `${id}: ${detail}`)).toEqual([])
})

test('a public export needs no credentials', async () => {
  const right = decideRightly()
  const server = await startServer((asked) =>
    right({ ...asked, headers: { ...asked.headers, authorization: `Bearer ${token}` } }),
  )
  onTestFinished(() => server.close())
  const report = await checkEndpoint(server.url(ids.own), { profile: 'generic' })
  expect(report.checks.filter(({ verdict }) => verdict === 'warn' || verdict === 'fail')).toEqual([])
})
