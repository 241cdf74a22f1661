import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'

import { createLeakScanner } from '@sallyport/core/testing'

import { until } from '../../scripts/servers/daemon.ts'
import { browserAnswer } from './check-browser.ts'
import type { Check, Service } from './check-service.ts'
import { headersFor, sha256 } from './check-service.ts'

/** What callers of a running service are answered, whatever its contract. */
export const commonAnswers: readonly Check<Service>[] = [
  {
    title: 'the first line says where it listens',
    run: async ({ lines, origin }) => {
      assert.match(lines[0] ?? '', /^listening on http:\/\/127\.0\.0\.1:\d+$/)
      assert.deepEqual(await (await fetch(`${origin}/healthz`)).json(), { alive: true })
      assert.equal((await fetch(`${origin}/readyz`)).status, 200)
    },
  },
  {
    title: 'a download that was cut is resumed',
    run: async (service) => {
      const first = await fetch(service.url, { headers: headersFor(service, { range: 'bytes=0-9999999' }) })
      const etag = first.headers.get('etag') ?? ''
      const start = Buffer.from(await first.arrayBuffer())
      const more = headersFor(service, { range: `bytes=${start.length}-`, 'if-range': etag })
      const rest = await fetch(service.url, { headers: more })
      assert.deepEqual([first.status, rest.status], [206, 206])
      const whole = Buffer.concat([start, Buffer.from(await rest.arrayBuffer())])
      assert.equal(sha256(whole), sha256(await readFile(service.file)))
    },
  },
  {
    title: 'a client that closes its sending side gets the whole download',
    run: async (service) => {
      const { hostname, port, host, pathname } = new URL(service.url)
      const fields = Object.entries(headersFor(service, { host })).map((field) => field.join(': '))
      const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
      socket.end([`GET ${pathname} HTTP/1.1`, ...fields, '', ''].join('\r\n'))
      const answer = await buffer(socket)
      socket.destroy()
      const body = answer.subarray(answer.indexOf('\r\n\r\n') + 4)
      assert.equal(sha256(body), sha256(await readFile(service.file)))
    },
  },
  {
    title: 'a ticket downloads in a link, without a token, and stands in no log line',
    run: async (service) => {
      const issued = await fetch(service.url.replace(/download$/, 'ticket'), {
        method: 'POST',
        headers: headersFor(service),
      })
      const { url, size } = (await issued.json()) as { url: string; size: number }
      assert.equal(issued.status, 201)
      assert.equal(issued.headers.get('location'), url)
      const response = await fetch(new URL(url, service.origin))
      const body = new Uint8Array(await response.arrayBuffer())
      assert.equal(body.length, size)
      assert.equal(sha256(body), sha256(await readFile(service.file)))
      await until('the download is logged', () =>
        service.lines.some((line) => line.includes('download_ended') && line.includes('"via":"ticket"')),
      )
      assert.deepEqual(createLeakScanner().find(service.lines), [])
    },
  },
  {
    title: 'a browser with a wrong link sees a page',
    run: async (service) => {
      const response = await fetch(`${service.url}?sig=wrong`, { headers: { accept: 'text/html,*/*;q=0.8' } })
      assert.equal(response.status, 403)
      assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
      assert.match(await response.text(), /<h1>This link is not valid<\/h1>/)
    },
  },
  {
    title: 'the page at / offers the exports, and runs no script but its own',
    run: async ({ origin, jwt }) => {
      const response = await fetch(origin)
      const page = await response.text()
      const [, script = ''] = /<script>([^]*?)<\/script>/.exec(page) ?? []
      const hash = createHash('sha256').update(script).digest('base64')
      assert(response.headers.get('content-security-policy')?.includes(`script-src 'sha256-${hash}'`))
      assert.match(page, /<button data-ticket="\/[^"]+\/ticket" data-organization="acme">/)
      assert(script.includes(jwt))
    },
  },
  browserAnswer,
  {
    title: 'HEAD tells the size and sends nothing',
    run: async (service) => {
      const response = await fetch(service.url, { method: 'HEAD', headers: headersFor(service) })
      assert.equal(Number(response.headers.get('content-length')), (await stat(service.file)).size)
      assert.equal((await response.arrayBuffer()).byteLength, 0)
    },
  },
  {
    title: 'version v2 refuses as problem details',
    run: async (service) => {
      const headers = headersFor(service, { 'x-api-version': 'v2', 'x-org-name': 'globex' })
      const response = await fetch(service.url, { headers })
      assert.equal(response.headers.get('content-type'), 'application/problem+json')
      assert.equal(response.status, 403)
    },
  },
  {
    title: 'the digest of the catalogue is that of the file',
    run: async (service) => {
      const headers = headersFor(service, { 'want-repr-digest': 'sha-256=1' })
      const response = await fetch(service.url, { method: 'HEAD', headers })
      const digest = Buffer.from(sha256(await readFile(service.file)), 'hex').toString('base64')
      assert.equal(response.headers.get('repr-digest'), `sha-256=:${digest}:`)
    },
  },
]
