import { createHash } from 'node:crypto'
import { connect } from 'node:net'

import { describe, expect, test } from 'vitest'

import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import type { Answer } from '../handler/ask.ts'
import {
  acme,
  content,
  ids,
  lastEnd,
  openTicketScene,
  recordOf,
  secret,
  type Serve,
  size,
  type TicketScene,
} from './ticket-scene.ts'

const day = 86_400_000
const browser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }
const pathOf = (id: string): string => `/exports/${id}/download`
const sigOf = (url: string): string => url.split('sig=')[1] ?? ''
const whole = createHash('sha256').update(content).digest('hex')
const sha256 = ({ body }: Answer): string => createHash('sha256').update(body).digest('hex')

/** Status and kind of a use. */
async function used(scene: TicketScene, ...given: Parameters<TicketScene['ask']>): Promise<string> {
  const { status } = await scene.ask(...given)
  return `${status} ${lastEnd(scene).kind ?? lastEnd(scene).outcome}`
}

/** What a ticket must do on every server: over sockets. */
export function ticketTraps(serve: Serve): void {
  const open = (options?: Parameters<typeof openTicketScene>[1]): Promise<TicketScene> =>
    openTicketScene(serve, options)

  describe('issuing', () => {
    const own = { authorization: 'Bearer ann', 'x-org-name': 'acme' }

    test('201 with a path of this origin, times, name and size', async () => {
      await using scene = await open()
      const answer = await scene.ask(`/exports/${ids.acme}/ticket?x=1`, own, 'POST')
      const body = JSON.parse(answer.body) as Record<string, unknown>
      expect(answer.status).toBe(201)
      expect(Object.keys(body)).toEqual(['url', 'expires_at', 'resume_until', 'filename', 'size'])
      expect(body['url']).toMatch(
        /^\/exports\/0f0e0d0c-0b0a-4908-8706-000000000001\/download\?sig=[\w-]+\.\.[\w.-]+$/,
      )
      expect(body).toMatchObject({
        expires_at: new Date(scene.clock.at + 300_000).toISOString(),
        resume_until: new Date(scene.clock.at + day).toISOString(),
        filename: 'Übersicht 2026.jsonl',
        size,
      })
      expect({
        location: answer.field('location'),
        'cache-control': answer.field('cache-control'),
        'content-type': answer.field('content-type'),
        'referrer-policy': answer.field('referrer-policy'),
        'x-api-version': answer.field('x-api-version'),
      }).toEqual({
        location: body['url'],
        'cache-control': 'no-store',
        'content-type': 'application/json',
        'referrer-policy': 'no-referrer',
        'x-api-version': 'v1',
      })
      expect(answer.field('ratelimit')).toContain('r=59')
    })

    test('is told in an event, without the ticket', async () => {
      await using scene = await open()
      const url = await scene.ticket()
      expect(scene.events).toMatchObject([
        {
          type: 'ticket_issued',
          version: 'v1',
          principal: { issuer: 'https://issuer.test', subject: 'ann' },
          tenantId: acme.id,
          exportId: ids.acme,
          ticketId: expect.stringMatching(/^[\da-f-]{36}$/) as unknown,
          expiresAt: new Date(scene.clock.at + 300_000),
        },
        { type: 'request_ended', outcome: 'completed', status: 201, method: 'POST', via: 'token' },
      ])
      expect(scene.events[0]).toMatchObject({ id: scene.events[1]?.id })
      expect(JSON.stringify(scene.events)).not.toContain(sigOf(url).slice(0, 40))
    })

    test.each<[string, string, Record<string, string>, string, number, string]>([
      ['no token', ids.acme, { authorization: '' }, 'POST', 401, 'token_missing'],
      [
        'a ticket as an access token',
        ids.acme,
        { authorization: 'Bearer TICKET' },
        'POST',
        401,
        'token_invalid',
      ],
      ['no capability', ids.acme, { authorization: 'Bearer idle' }, 'POST', 403, 'capability_missing'],
      [
        'an organization that is not proved',
        ids.acme,
        { 'x-org-name': 'initech' },
        'POST',
        403,
        'tenant_forbidden',
      ],
      ['no organization', ids.acme, { 'x-org-name': '' }, 'POST', 400, 'invalid_request'],
      ['an unknown version', ids.acme, { 'x-api-version': 'v9' }, 'POST', 400, 'invalid_request'],
      ['a malformed id', 'nope', {}, 'POST', 400, 'invalid_request'],
      ["another organization's export", ids.globex, {}, 'POST', 404, 'export_not_found'],
      ['GET', ids.acme, {}, 'GET', 405, 'method_not_allowed'],
      ['PUT', ids.acme, {}, 'PUT', 405, 'method_not_allowed'],
    ])('%s is refused', async (_, id, changes, method, status, kind) => {
      await using scene = await open()
      const url = await scene.ticket()
      const headers = Object.entries({ ...own, ...changes })
        .filter(([, value]) => value !== '')
        .map(([name, value]) => [name, value.replace('TICKET', sigOf(url))])
      const answer = await scene.ask(
        `/exports/${id}/ticket`,
        Object.fromEntries(headers) as Record<string, string>,
        method,
      )
      expect({ status: answer.status, kind: lastEnd(scene).kind }).toEqual({ status, kind })
      expect(answer.field('content-type')).toBe('application/problem+json')
      expect(answer.field('allow')).toBe(status === 405 ? 'POST, OPTIONS' : undefined)
    })

    test('OPTIONS', async () => {
      await using scene = await open()
      const answer = await scene.ask(`/exports/${ids.acme}/ticket`, {}, 'OPTIONS')
      expect([answer.status, answer.field('allow')]).toEqual([204, 'POST, OPTIONS'])
    })

    test('costs as much as a HEAD, and takes no slot', async () => {
      const limits = {
        perPrincipal: { capacity: 10, refill: 1, perMs: day },
        cost: { download: 5, range: 1, head: 2 },
        concurrent: { perPrincipal: 1 },
        limiter: createMemoryLimiter(),
      }
      await using scene = await open({ limits })
      const { ask } = scene
      const left = async (): Promise<string | undefined> =>
        /r=(\d+)/.exec((await ask(`/exports/${ids.acme}/ticket`, own, 'POST')).field('ratelimit') ?? '')?.[1]
      expect([await left(), await left()]).toEqual(['8', '6'])
    })

    test('an export whose state is not ready is no more there than for a download', async () => {
      await using scene = await open()
      scene.records.set(ids.acme, { ...recordOf(ids.acme, acme.id), state: 'pending' })
      expect(await used(scene, `/exports/${ids.acme}/ticket`, own, 'POST')).toBe('404 export_pending')
    })

    test('the host makes the URL where it says so', async () => {
      await using scene = await open({ with: { url: (path) => `https://files.example/api${path}` } })
      expect(await scene.ticket()).toMatch(/^https:\/\/files\.example\/api\/exports\/.*\/download\?sig=/)
    })

    test.each([
      [
        'throws',
        {
          url: () => {
            throw new Error('no')
          },
        },
      ],
      ['gives no URL', { url: () => 'https://x.example/a b\r\nSet-Cookie: a=b' }],
    ])('a host whose url %s is a bug of the host', async (_, options) => {
      await using scene = await open({ with: options })
      expect(await used(scene, `/exports/${ids.acme}/ticket`, own, 'POST')).toBe('500 internal')
    })

    test('claims that do not fit are a bug of the host, and told', async () => {
      await using scene = await open({ with: { claims: () => ({ pad: 'x'.repeat(3_000) }) } })
      expect(await used(scene, `/exports/${ids.acme}/ticket`, own, 'POST')).toBe('500 internal')
      expect(scene.events).toMatchObject([
        { type: 'trouble', code: 'tickets_failed' },
        { type: 'request_ended' },
      ])
    })
  })

  describe('using', () => {
    test('the whole export, without Authorization, organization and version', async () => {
      await using scene = await open()
      const answer = await scene.ask(await scene.ticket())
      expect(answer.status).toBe(200)
      expect(sha256(answer)).toBe(whole)
      expect(answer.field('content-disposition')).toContain('attachment; filename="Ubersicht 2026.jsonl"')
      expect(answer.field('referrer-policy')).toBe('no-referrer')
      expect(scene.events.filter(({ type }) => type.startsWith('download_'))).toMatchObject([
        {
          via: 'ticket',
          ticketId: expect.any(String) as unknown,
          principal: { subject: 'ann' },
          tenantId: acme.id,
        },
        { via: 'ticket', ticketId: expect.any(String) as unknown, outcome: 'completed' },
      ])
    })

    test('more than once: HEAD, GET, and two slices at a time', async () => {
      await using scene = await open()
      const url = await scene.ticket()
      const head = await scene.ask(url, {}, 'HEAD')
      expect([head.status, head.field('content-length')]).toEqual([200, String(size)])
      expect(sha256(await scene.ask(url))).toBe(whole)
      const match = { 'if-match': head.field('etag') ?? '' }
      const half = 100_000
      const slices = await Promise.all([
        scene.ask(url, { ...match, range: `bytes=0-${half - 1}` }),
        scene.ask(url, { ...match, range: `bytes=${half}-` }),
      ])
      expect(slices.map(({ status }) => status)).toEqual([206, 206])
      expect(slices.map(({ body }) => body).join('')).toBe(Buffer.from(content).toString())
    })

    test('OPTIONS of the download stays as it is', async () => {
      await using scene = await open()
      const answer = await scene.ask(await scene.ticket(), {}, 'OPTIONS')
      expect([answer.status, answer.field('allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
    })

    test.each<[string, (url: string) => string]>([
      ['utm_source added', (url) => `${url}&utm_source=mail&utm_medium=x`],
      ['put first', (url) => url.replace('?', '?utm_source=mail&')],
      ['dots percent-encoded', (url) => url.replaceAll('.', '%2E')],
      ['the parameter percent-encoded', (url) => url.replace('sig=', '%73ig=')],
      ['a list of the same name', (url) => `${url}&sig[]=x&SIG=y`],
    ])('%s changes nothing', async (_, change) => {
      await using scene = await open()
      expect((await scene.ask(change(await scene.ticket()))).status).toBe(200)
    })

    test('scheme, host and port of the request do not count', async () => {
      await using scene = await open()
      const url = await scene.ticket()
      const headers = {
        host: 'files.example:8443',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'other.example',
        forwarded: 'host=third.example;proto=https',
      }
      expect((await scene.ask(url, headers)).status).toBe(200)
    })

    test.each<[string, (url: string) => string, string]>([
      ['twice', (url) => `${url}&sig=${sigOf(url)}`, '400 invalid_request'],
      ['two different ones', (url) => `${url}&sig=b`, '400 invalid_request'],
      ['as a list', (url) => url.replace('sig=', 'sig[]='), '401 token_missing'],
      ['empty', (url) => url.replace(/sig=.*/, 'sig='), '403 ticket_invalid'],
      ['without a value', (url) => url.replace(/sig=.*/, 'sig'), '403 ticket_invalid'],
      ['cut short', (url) => url.slice(0, -1), '403 ticket_invalid'],
      ['longer', (url) => `${url}A`, '403 ticket_invalid'],
      ['9,000 characters', (url) => `${url}${'A'.repeat(9_000)}`, '403 ticket_invalid'],
      ['an access token', (url) => url.replace(/sig=.*/, 'sig=ann'), '403 ticket_invalid'],
      ['of another export', (url) => url.replace(ids.acme, ids.other), '403 ticket_invalid'],
      ["of another organization's export", (url) => url.replace(ids.acme, ids.globex), '403 ticket_invalid'],
      ['with a malformed id', (url) => url.replace(ids.acme, 'nope'), '400 invalid_request'],
    ])('%s', async (_, change, expected) => {
      await using scene = await open()
      const url = await scene.ticket()
      scene.calls.length = 0
      const answer = await scene.ask(change(url))
      expect(`${answer.status} ${lastEnd(scene).kind}`).toBe(expected)
      expect(answer.field('www-authenticate') !== undefined).toBe(answer.status === 401)
      expect(scene.calls).toEqual([]) // nothing was looked up
      expect(answer.fields.join() + answer.body).not.toContain(sigOf(url).slice(-60, -10))
      expect(JSON.stringify(scene.events)).not.toContain(sigOf(url).slice(-60, -10))
    })

    test('100 kB never reach the handler', async () => {
      await using scene = await open()
      const { status } = await scene.ask(`${pathOf(ids.acme)}?sig=${'A'.repeat(100_000)}`)
      expect([431, 414]).toContain(status)
      expect(scene.events).toEqual([])
    })

    test.each<[string, Record<string, string>, string]>([
      ['Authorization', { authorization: 'Bearer ann' }, '400 invalid_request'],
      ['Authorization of another scheme', { authorization: 'Basic YTpi' }, '400 invalid_request'],
      ['the organization of the ticket', { 'x-org-name': 'acme' }, '200 completed'],
      ['another organization', { 'x-org-name': 'globex' }, '403 ticket_invalid'],
      ['a malformed organization', { 'x-org-name': '!' }, '400 invalid_request'],
      ['the version of the ticket', { 'x-api-version': 'v1' }, '200 completed'],
      ['another version', { 'x-api-version': 'v2' }, '403 ticket_invalid'],
      ['an unknown version', { 'x-api-version': 'v9' }, '403 ticket_invalid'],
      ['Sec-Purpose: prefetch', { 'sec-purpose': 'prefetch' }, '503 unavailable'],
      ['Sec-Purpose: prefetch;prerender', { 'sec-purpose': 'prefetch;prerender' }, '503 unavailable'],
      ['Purpose: prefetch', { purpose: 'prefetch' }, '503 unavailable'],
      ['X-Moz: prefetch', { 'x-moz': 'prefetch' }, '503 unavailable'],
    ])('together with %s', async (_, headers, expected) => {
      await using scene = await open()
      const url = await scene.ticket()
      scene.calls.length = 0
      expect(await used(scene, url, headers)).toBe(expected)
      expect(scene.calls.length > 0).toBe(expected.startsWith('200'))
    })

    test('a prefetch spends nothing, and says when to come', async () => {
      await using scene = await open()
      const url = await scene.ticket()
      const prefetched = await scene.ask(url, { 'sec-purpose': 'prefetch' })
      expect(prefetched.field('retry-after')).toMatch(/^\d+$/)
      expect(prefetched.field('ratelimit')).toBeUndefined()
      expect((await scene.ask(url)).field('ratelimit')).toContain('r=58')
    })

    test('answers in the version of the ticket, also where it refuses', async () => {
      await using scene = await open()
      const url = await scene.ticket(ids.acme, { 'x-api-version': 'v2' })
      const answer = await scene.ask(url)
      expect([answer.field('x-api-version'), answer.field('deprecation')]).toEqual(['v2', '@0'])
      scene.records.delete(ids.acme)
      expect((await scene.ask(url)).field('x-api-version')).toBe('v2')
    })

    test('a ticket of an endpoint with another capability is none, though the keys are the same', async () => {
      await using scene = await open({ capability: 'exports:list' })
      await using issuing = await open()
      expect(await used(scene, await issuing.ticket())).toBe('403 ticket_invalid')
    })

    test('without the option a query means nothing', async () => {
      await using issuing = await open()
      await using scene = await open({ tickets: undefined as never })
      expect(await used(scene, await issuing.ticket())).toBe('401 token_missing')
    })
  })
  describe('time', () => {
    const start = 300_000
    const part = 'bytes=100-'

    test.each<[string, number, string]>([
      ['a clock 60 s behind', -60_000, '200 completed'],
      ['the last millisecond', start - 1, '200 completed'],
      ['start-by', start, '410 ticket_expired'],
      ['a clock 60 s ahead, 4 minutes later', 4 * 60_000 + 60_000, '410 ticket_expired'],
      ['resume-by', day, '410 ticket_expired'],
    ])('%s', async (_, later, expected) => {
      await using scene = await open()
      const url = await scene.ticket()
      scene.clock.at += later
      expect(await used(scene, url)).toBe(expected)
      expect(await used(scene, url, {}, 'HEAD')).toBe(expected)
    })

    test.each<[string, (etag: string) => Record<string, string>, string]>([
      ['Range and If-Range of our ETag', (etag) => ({ range: part, 'if-range': etag }), '206 completed'],
      ['Range and If-Match of our ETag', (etag) => ({ range: part, 'if-match': etag }), '206 completed'],
      ['If-Match of several', (etag) => ({ range: part, 'if-match': `"a", ${etag}` }), '206 completed'],
      ['a wrong If-Range', () => ({ range: part, 'if-range': '"other"' }), '410 ticket_expired'],
      ['a wrong If-Match', () => ({ range: part, 'if-match': '"other"' }), '410 ticket_expired'],
      ['a weak If-Range', (etag) => ({ range: part, 'if-range': `W/${etag}` }), '410 ticket_expired'],
      ['a weak If-Match', (etag) => ({ range: part, 'if-match': `W/${etag}` }), '410 ticket_expired'],
      ['If-Match: *', () => ({ range: part, 'if-match': '*' }), '410 ticket_expired'],
      [
        'a date in If-Range',
        () => ({ range: part, 'if-range': 'Fri, 01 Jan 2027 00:00:00 GMT' }),
        '410 ticket_expired',
      ],
      ['Range alone', () => ({ range: part }), '410 ticket_expired'],
      ['If-Range alone', (etag) => ({ 'if-range': etag }), '410 ticket_expired'],
      ['a malformed Range', (etag) => ({ range: 'bytes=9-1', 'if-range': etag }), '410 ticket_expired'],
      ['another unit', (etag) => ({ range: 'lines=1-', 'if-range': etag }), '410 ticket_expired'],
      ['several ranges', (etag) => ({ range: 'bytes=0-1,5-6', 'if-range': etag }), '410 ticket_expired'],
      [
        'a range past the end',
        (etag) => ({ range: `bytes=${size}-`, 'if-range': etag }),
        '410 ticket_expired',
      ],
      ['a 304', (etag) => ({ range: part, 'if-range': etag, 'if-none-match': etag }), '410 ticket_expired'],
      ['nothing', () => ({}), '410 ticket_expired'],
    ])('after start-by: %s', async (_, headers, expected) => {
      await using scene = await open()
      const url = await scene.ticket()
      const etag = (await scene.ask(url, {}, 'HEAD')).field('etag') ?? ''
      scene.clock.at += start + 1_000
      expect(await used(scene, url, headers(etag))).toBe(expected)
      expect(await used(scene, url, headers(etag), 'HEAD')).toBe('410 ticket_expired')
    })

    test('after resume-by nothing is resumed', async () => {
      await using scene = await open()
      const url = await scene.ticket()
      const etag = (await scene.ask(url, {}, 'HEAD')).field('etag') ?? ''
      scene.clock.at += day
      expect(await used(scene, url, { range: part, 'if-range': etag })).toBe('410 ticket_expired')
    })

    test('a late request asks nobody and spends nothing', async () => {
      await using scene = await open()
      const url = await scene.ticket()
      scene.clock.at += start
      scene.calls.length = 0
      expect((await scene.ask(url)).field('ratelimit')).toBeUndefined()
      expect(scene.calls).toEqual([])
    })
  })

  describe('what was taken away since', () => {
    test.each<[string, (scene: TicketScene) => void, string]>([
      ['the organization', ({ tenants }) => void tenants.delete('acme'), '403 tenant_forbidden'],
      [
        'the organization, whose name is another one now',
        ({ tenants }) => void tenants.set('acme', { id: 't-new', name: 'acme' }),
        '403 ticket_invalid',
      ],
      ['the export', ({ records }) => void records.delete(ids.acme), '404 export_not_found'],
      [
        'the export, by its time',
        ({ records, clock }) =>
          void records.set(ids.acme, { ...recordOf(ids.acme, acme.id), expiresAt: new Date(clock.at) }),
        '404 export_expired',
      ],
    ])('%s', async (_, takeAway, expected) => {
      await using scene = await open()
      const url = await scene.ticket()
      takeAway(scene)
      expect(await used(scene, url)).toBe(expected)
    })

    test.each<[string, (signal: AbortSignal) => Promise<boolean>, string, readonly string[]]>([
      ['true', async () => true, '410 ticket_expired', []],
      ['false', async () => false, '200 completed', []],
      ['no boolean', async () => undefined as never, '502 upstream_error', ['tickets_wrong']],
      [
        'a rejection',
        async () => Promise.reject(new Error('no database')),
        '503 unavailable',
        ['tickets_failed'],
      ],
    ])('isRevoked gives %s', async (_, isRevoked, expected, troubles) => {
      const asked: unknown[] = []
      await using scene = await open({
        with: {
          isRevoked: (ticket, signal) => {
            asked.push(ticket)
            return isRevoked(signal)
          },
        },
      })
      const url = await scene.ticket()
      const issuedAt = new Date(scene.clock.at)
      scene.clock.at += 1_000
      expect(await used(scene, url)).toBe(expected)
      expect(asked).toEqual([
        {
          id: lastEnd(scene).ticketId,
          issuer: 'https://issuer.test',
          subject: 'ann',
          tenantId: acme.id,
          exportId: ids.acme,
          issuedAt,
        },
      ])
      const codes = scene.events.flatMap((event) => (event.type === 'trouble' ? [event.code] : []))
      expect(codes).toEqual(troubles)
    })

    test('a key: a running download goes on, and is not resumed', async () => {
      const resumed = Promise.withResolvers<void>()
      await using before = await open({
        store: {
          head: async () => ({ size, validator: 'v' }),
          get: async () => ({
            info: { size, validator: 'v' },
            close: () => undefined,
            chunks: (async function* chunks() {
              yield content.subarray(0, 100_000)
              await resumed.promise
              yield content.subarray(100_000)
            })(),
          }),
        },
      })
      const url = await before.ticket()
      const running = before.ask(url)
      await using after = await open({ with: { keys: [{ id: '2026-12', secret: secret.toReversed() }] } })
      expect(await used(after, url, { range: 'bytes=5-', 'if-range': '"x"' })).toBe('403 ticket_invalid')
      resumed.resolve()
      expect(sha256(await running)).toBe(whole)
    })

    test('a version', async () => {
      await using issuing = await open()
      await using scene = await open({ versions: { v2: {} }, defaultVersion: 'v2' })
      expect(await used(scene, await issuing.ticket())).toBe('410 ticket_expired')
    })
  })

  describe('a download that breaks off', () => {
    // Node 22 as a client may report a reset as an end, if it had read all that came before.
    const reset = process.versions.node.startsWith('22.') ? ['ECONNRESET', 'closed'] : ['ECONNRESET']

    /** How a connection ended that asked for this path, and whether all that was promised came. */
    const endOf = ({ port }: TicketScene, path: string, headers: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1')
        let how = 'closed'
        socket.on('error', ({ code }: NodeJS.ErrnoException) => (how = code ?? 'error'))
        socket.on('close', () => resolve(how))
        socket.resume()
        socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`)
      })

    test('is closed where it came by ticket, so that a browser resumes by itself, and else reset', async () => {
      const info = { size, validator: 'v' }
      await using scene = await open({
        delivery: { resume: { attempts: 0 } },
        store: {
          head: async () => info,
          get: async () => ({
            info,
            close: () => undefined,
            chunks: (async function* chunks() {
              yield content.subarray(0, 100_000)
              throw new Error('cut')
            })(),
          }),
        },
      })
      const token = 'Authorization: Bearer ann\r\nX-Org-Name: acme\r\n'
      expect(await endOf(scene, await scene.ticket(), '')).toBe('closed')
      expect(reset).toContain(await endOf(scene, pathOf(ids.acme), token))
      expect(scene.events.filter(({ type }) => type === 'download_ended')).toMatchObject([
        { outcome: 'store_cut', via: 'ticket' },
        { outcome: 'store_cut', via: 'token' },
      ])
    })
  })

  describe('limits', () => {
    test('a ticket and a token of one principal share a quota and slots', async () => {
      const perPrincipal = { capacity: 3, refill: 1, perMs: day }
      await using scene = await open({ limits: { perPrincipal, limiter: createMemoryLimiter() } })
      const url = await scene.ticket()
      const token = { authorization: 'Bearer ann', 'x-org-name': 'acme' }
      expect(await used(scene, url)).toBe('200 completed')
      expect(await used(scene, pathOf(ids.acme), token)).toBe('200 completed')
      expect(await used(scene, url)).toBe('429 rate_limited')
      expect(await used(scene, pathOf(ids.acme), token)).toBe('429 rate_limited')
    })

    test('a forged ticket costs the address a token, a genuine one does not', async () => {
      const perAddress = { capacity: 2, refill: 1, perMs: day }
      await using scene = await open({ limits: { perAddress, limiter: createMemoryLimiter() } })
      const url = await scene.ticket()
      for (let nth = 0; nth < 3; nth += 1) expect(await used(scene, url)).toBe('200 completed')
      expect(await used(scene, `${url}A`)).toBe('403 ticket_invalid')
      expect(await used(scene, `${url}A`)).toBe('403 ticket_invalid')
      expect(await used(scene, url)).toBe('429 rate_limited')
    })
  })

  describe('a browser sees a page', () => {
    const csp = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

    test.each<[string, (scene: TicketScene, url: string) => string, number, string]>([
      ['too late', ({ clock }, url) => ((clock.at += day), url), 410, 'This link has expired'],
      ['wrong', (_, url) => `${url}A`, 403, 'This link is not valid'],
      ['twice', (_, url) => `${url}&sig=a`, 400, 'This link is not valid'],
      [
        'of an export that is gone',
        ({ records }, url) => (records.clear(), url),
        404,
        'There is nothing to download',
      ],
    ])('%s', async (_, change, status, title) => {
      await using scene = await open()
      const url = change(scene, await scene.ticket())
      const answer = await scene.ask(url, browser)
      expect(answer.status).toBe(status)
      expect(answer.body).toContain(`<h1>${title}</h1>`)
      expect(answer.body).toContain(answer.field('x-request-id'))
      expect(answer.whole).toBe(true)
      expect({
        type: answer.field('content-type'),
        csp: answer.field('content-security-policy'),
        disposition: answer.field('content-disposition'),
        cache: answer.field('cache-control'),
        referrer: answer.field('referrer-policy'),
      }).toEqual({
        type: 'text/html; charset=utf-8',
        csp,
        disposition: undefined,
        cache: 'no-store',
        referrer: 'no-referrer',
      })
      expect((await scene.ask(url, { accept: '*/*' })).field('content-type')).toBe('application/problem+json')
      const head = await scene.ask(url, browser, 'HEAD')
      expect([head.status, head.body, head.field('content-type')]).toEqual([
        status,
        '',
        'text/html; charset=utf-8',
      ])
    })

    test('only where it came by ticket', async () => {
      await using scene = await open()
      expect((await scene.ask(pathOf(ids.acme), browser)).field('content-type')).toBe(
        'application/problem+json',
      )
    })

    test('Retry-After stays', async () => {
      const perPrincipal = { capacity: 1, refill: 1, perMs: 30_000 }
      await using scene = await open({ limits: { perPrincipal, limiter: createMemoryLimiter() } })
      const answer = await scene.ask(await scene.ticket(), browser)
      expect([answer.status, answer.field('retry-after')]).toEqual([429, '30'])
      expect(answer.body).toContain('Try again in 30 seconds.')
    })

    test("the host's own page", async () => {
      await using scene = await open({ with: { page: ({ kind, status }) => `<p>${status} ${kind}</p>` } })
      const answer = await scene.ask(`${await scene.ticket()}A`, browser)
      expect([answer.body, answer.field('content-security-policy')]).toEqual([
        '<p>403 ticket_invalid</p>',
        csp,
      ])
    })

    test('a page that throws is a plain 500', async () => {
      await using scene = await open({
        with: {
          page: () => {
            throw new Error('no')
          },
        },
      })
      const answer = await scene.ask(`${await scene.ticket()}A`, browser)
      expect([answer.status, answer.field('content-type')]).toEqual([500, 'text/plain; charset=utf-8'])
    })
  })
}
