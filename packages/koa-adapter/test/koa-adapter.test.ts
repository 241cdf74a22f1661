import { once } from 'node:events'
import { request as openRequest } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'

import { Router } from '@koa/router'
import { createExportHandler, type ExportHandler, type ExportRequest } from '@sallyport/core'
import { adapterContract, createMemoryStore } from '@sallyport/core/testing'
import Koa3 from 'koa'
import type Koa from 'koa'
import Koa2 from 'koa2'
import { describe, expect, onTestFinished, test } from 'vitest'

import { exportDownload } from '../src/koa-adapter.ts'
import { listen, mount } from './serve-koa.ts'

const id = '01900000-0000-7000-8000-000000000001'
const reader = { issuer: 'https://issuer.test', subject: 'reader', organizations: [], claims: {} }
const guard = createExportHandler({
  verifier: { verify: async () => ({ ...reader, capabilities: ['read'] }) },
  tenancy: { mode: 'single', tenant: { id: 'tenant', name: 'acme' } },
  capability: 'read',
  findExport: async ({ exportId }) =>
    exportId === id ? { id, tenantId: 'tenant', key: 'object', format: 'csv', state: 'ready' } : undefined,
  store: createMemoryStore({ object: 'a,b\n' }),
})
const headers = { authorization: 'Bearer reader' }

async function serve(app: Koa): Promise<URL> {
  const { url, close } = await listen(app)
  onTestFinished(close)
  return new URL(`/exports/${id}/download`, url)
}

describe.each([
  { major: 3, Koa: Koa3 },
  { major: 2, Koa: Koa2 },
])('in the app of a host, on Koa $major', ({ Koa }) => {
  test('earlier middleware sees the final status after everything is sent', async () => {
    const app = new Koa()
    const seen: unknown[] = []
    app.use(async (ctx, next) => {
      await next()
      seen.push([ctx.status, ctx.res.writableFinished, ctx.headerSent])
    })
    const url = await serve(mount(app, guard))
    expect(await (await fetch(url, { headers })).text()).toBe('a,b\n')
    await (await fetch(url)).text()
    await (await fetch(new URL(`${url.pathname}/`, url), { headers })).text()
    expect(seen).toEqual([
      [200, true, true],
      [401, true, true],
      [400, true, true],
    ])
  })

  test('later changes and errors of the host do not affect the response, and reach its own error handler', async () => {
    const app = new Koa()
    const errors: unknown[] = []
    app.on('error', (error: Error) => errors.push(error.message))
    app.use(async (ctx, next) => {
      await next()
      ctx.set('X-Response-Time', '1')
      ctx.status = 500
      ctx.body = 'too late'
      throw new Error('a bug of the host')
    })
    const url = await serve(mount(app, guard))
    const answer = await fetch(url, { headers })
    expect([answer.status, await answer.text(), answer.headers.get('x-response-time')]).toEqual([
      200,
      'a,b\n',
      null,
    ])
    await expect.poll(() => errors).toEqual(['a bug of the host'])
  })

  test('fields that the host sets before are kept, and its other routes work', async () => {
    const app = new Koa()
    app.silent = true
    const router = new Router()
    router.get('/hello', (ctx) => {
      ctx.body = { hello: 'world' }
    })
    router.get('/fails', () => {
      throw new Error('secret')
    })
    app.use((ctx, next) => {
      ctx.set('X-Host', 'yes')
      return next()
    })
    app.use(router.routes())
    const url = await serve(mount(app, guard))
    const seen = await Promise.all(
      [url, new URL('/hello', url), new URL('/fails', url)].map((url) => fetch(url, { headers })),
    )
    expect(
      await Promise.all(seen.map(async (one) => [one.status, one.headers.get('x-host'), await one.text()])),
    ).toEqual([
      [200, 'yes', 'a,b\n'],
      [200, 'yes', '{"hello":"world"}'],
      [500, null, 'Internal Server Error'],
    ])
  })

  test('middleware that answers first keeps its response', async () => {
    const app = new Koa()
    app.use((ctx, next) => {
      ctx.res.writeHead(418)
      ctx.res.end('first')
      return next()
    })
    const answer = await fetch(await serve(mount(app, guard)), { headers })
    expect([answer.status, await answer.text()]).toEqual([418, 'first'])
  })

  test('a client that leaves during middleware has left when the handler is called', async () => {
    const app = new Koa()
    app.silent = true
    const arrived = Promise.withResolvers<void>()
    app.use(async (ctx, next) => {
      arrived.resolve()
      await once(ctx.res, 'close')
      await next()
    })
    const left = Promise.withResolvers<boolean>()
    const handler: ExportHandler = {
      ...guard,
      handle: (request) => {
        left.resolve(request.signal.aborted)
        return guard.handle(request)
      },
    }
    const client = openRequest(await serve(mount(app, handler)), { headers })
    client.on('error', () => undefined).end()
    await arrived.promise
    client.destroy()
    expect(await left.promise).toBe(true)
  })
})

describe('the request of the handler', () => {
  const asked = async (
    app: Koa,
    path: string,
    headers: Record<string, string> = {},
  ): Promise<ExportRequest> => {
    const made = Promise.withResolvers<ExportRequest>()
    mount(app, {
      ...guard,
      handle: async (request) => {
        made.resolve(request)
        return { status: 204, headers: {} }
      },
    })
    await fetch(new URL(path, await serve(app)), { headers })
    return made.promise
  }

  test('has the route parameters, decoded once', async () => {
    const { params } = await asked(new Koa3(), '/exports/a%2541/download')
    expect({ ...params }).toEqual({ exportId: 'a%41' })
  })

  test.each(['/exports/%zz/download', '/exports/a/download/', '/elsewhere'])(
    'holds none for %s',
    async (path) => {
      const { params } = await asked(new Koa3(), path)
      expect({ ...params }).toEqual({})
    },
  )

  test('has the address that Koa trusts', async () => {
    const forwarded = { 'X-Forwarded-For': '192.0.2.66, 203.0.113.9' }
    expect((await asked(new Koa3(), '/', forwarded)).address).toBe('127.0.0.1')
    expect((await asked(new Koa3({ proxy: true, maxIpsCount: 1 }), '/', forwarded)).address).toBe(
      '203.0.113.9',
    )
  })
})

test('without a router there are no parameters', async () => {
  const app = new Koa3().use(exportDownload(guard))
  expect((await fetch(await serve(app), { headers })).status).toBe(400)
})

describe('the adapter keeps the contract on Koa over HTTP/2', () => {
  const cases = adapterContract(async (handler) => {
    const answer = mount(new Koa3(), handler).callback()
    const server = createHttp2Server((request, response) => void answer(request, response))
    const sessions = new Set<{ destroy(): void }>()
    server.on('session', (session) => sessions.add(session))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return {
      url: new URL(`h2c://127.0.0.1:${(server.address() as AddressInfo).port}`),
      close: async () => {
        for (const session of sessions) session.destroy()
        await new Promise((resolve) => server.close(resolve))
      },
    }
  })
  const over2 = cases.filter(({ title }) => !title.startsWith('HTTP/1.1: ') && !title.includes('10,000'))
  test.each(over2)('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

describe('mounting a value that is not a handler', () => {
  const wrong: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined],
    ['a function', async () => ({ status: 204, headers: {} })],
    ['an object', {}],
  ]

  test.each(wrong)('%s is refused at once', (what, handler) => {
    expect(() => exportDownload(handler as never)).toThrow(
      `exportDownload: handler: must be what createExportHandler returns; got ${what}`,
    )
  })
})
