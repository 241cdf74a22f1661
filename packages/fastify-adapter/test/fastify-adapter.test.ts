import type { ExportHandler, ExportRequest } from '@sallyport/core'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'

import { exportDownload, exportTicket, malformedPath } from '../src/fastify-adapter.ts'
import { guard, headers, id } from './guard.ts'

async function serve(app: FastifyInstance, handler: ExportHandler = guard): Promise<URL> {
  onTestFinished(() => app.close())
  app.all('/exports/:exportId/download', exportDownload(handler))
  return new URL(`/exports/${id}/download`, await app.listen({ host: '127.0.0.1', port: 0 }))
}

describe('in the app of a host', () => {
  test('every hook before the handler runs, their headers are kept, and onResponse sees the final status', async () => {
    const app = Fastify()
    const ran: unknown[] = []
    app.addHook('onRequest', async (_, reply) => void reply.header('X-On-Request', 'yes'))
    app.addHook('preValidation', async () => void ran.push('preValidation'))
    app.addHook(
      'preHandler',
      async (_, reply) => void reply.header('Vary', 'Origin').header('X-Twice', ['a', 'b']),
    )
    app.addHook(
      'onResponse',
      async (_, reply) => void ran.push([reply.statusCode, reply.raw.writableFinished]),
    )
    const answer = await fetch(await serve(app), { headers })
    expect([answer.status, await answer.text()]).toEqual([200, 'a,b\n'])
    expect(['x-on-request', 'vary', 'x-twice'].map((name) => answer.headers.get(name))).toEqual([
      'yes',
      'Origin, X-Org-Name, X-API-Version',
      'a, b',
    ])
    await expect.poll(() => ran).toEqual(['preValidation', [200, true]])
  })

  test('a hook that answers first keeps its response', async () => {
    const app = Fastify()
    app.addHook('preHandler', async (_, reply) => reply.code(418).send('first'))
    const answer = await fetch(await serve(app), { headers })
    expect([answer.status, await answer.text()]).toEqual([418, 'first'])
  })

  test('its other routes still parse bodies, and its errors reach its own error handler', async () => {
    const app = Fastify()
    app.post('/echo', async ({ body }) => body)
    app.get('/fails', async () => Promise.reject(new Error('a bug of the host')))
    app.setErrorHandler(async (error: Error, _, reply) => reply.code(500).send({ caught: error.message }))
    const url = await serve(app)
    const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' }
    expect(await (await fetch(new URL('/echo', url), json)).json()).toEqual({ a: 1 })
    expect(await (await fetch(new URL('/fails', url))).json()).toEqual({ caught: 'a bug of the host' })
    const posted = await fetch(url, { ...json, headers: { ...json.headers, ...headers } })
    expect(posted.status).toBe(405)
  })

  test('a body of an unknown type and a body above the limit of Fastify are answered by the handler', async () => {
    const url = await serve(Fastify({ bodyLimit: 10 }))
    for (const type of ['application/x-unknown', 'not a type', 'application/json']) {
      const given = { ...headers, 'content-type': type }
      const answer = await fetch(url, { method: 'POST', headers: given, body: 'x'.repeat(1_000) })
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
    }
  })

  test('handlerTimeout of Fastify does not end a download', async () => {
    const release = Promise.withResolvers<void>()
    const handler: ExportHandler = {
      ...guard,
      handle: async (request) => {
        await release.promise
        return guard.handle(request)
      },
    }
    const app = Fastify({ handlerTimeout: 1 })
    app.get('/slow', () => new Promise(() => undefined))
    const url = await serve(app, handler)
    const download = fetch(url, { headers })
    // Its timer started later, so that of the download would have fired.
    expect((await fetch(new URL('/slow', url))).status).toBe(503)
    release.resolve()
    expect(await (await download).text()).toBe('a,b\n')
  })
})

describe('the request of the handler', () => {
  const asked = async (
    path: string,
    given: Record<string, string> = {},
    options: FastifyServerOptions = {},
  ): Promise<ExportRequest> => {
    const made = Promise.withResolvers<ExportRequest>()
    const handler: ExportHandler = {
      ...guard,
      handle: async (request) => {
        made.resolve(request)
        return { status: 204, headers: {} }
      },
    }
    const app = Fastify({ ...options, frameworkErrors: malformedPath(handler) })
    await fetch(new URL(path, await serve(app, handler)), { headers: given })
    return made.promise
  }

  test('has the route parameters, decoded once', async () => {
    expect((await asked('/exports/a%2541/download')).params).toEqual({ exportId: 'a%41' })
    expect((await asked('/exports/%C3%A9%2fx/download?a=%zz')).params).toEqual({ exportId: 'é/x' })
  })

  test.each(['/exports/%zz/download', '/exports/a/downloa%64', `/exports/${'a'.repeat(200)}/download`])(
    'holds none for %s',
    async (path) => {
      expect((await asked(path)).params).toEqual({})
    },
  )

  test('has the address that Fastify trusts, and the URL before it was rewritten', async () => {
    const forwarded = { 'X-Forwarded-For': '192.0.2.66, 203.0.113.9' }
    expect((await asked('/exports/a/download', forwarded)).address).toBe('127.0.0.1')
    expect((await asked('/exports/a/download', forwarded, { trustProxy: (_, hop) => hop < 1 })).address).toBe(
      '203.0.113.9',
    )
    const rewriteUrl = (): string => '/exports/b/download'
    const { url, params } = await asked('/api/b?sig=1', {}, { rewriteUrl })
    expect([url, params]).toEqual(['/api/b?sig=1', { exportId: 'b' }])
  })
})

test('malformedPath sends other errors of Fastify as before', async () => {
  const app = Fastify({ frameworkErrors: malformedPath(guard) })
  onTestFinished(() => app.close())
  app.addConstraintStrategy({
    name: 'failing',
    storage: () => ({ get: () => null, set: () => undefined }),
    // Fastify counts the parameters: three make it asynchronous.
    deriveConstraint: (_request: unknown, _context?: unknown, done?: (error: Error) => void) =>
      done?.(new Error('secret of the host')),
    validate: () => undefined,
  })
  app.get('/', { constraints: { failing: 'a' } }, async () => 'never')
  const answer = await fetch(await app.listen({ host: '127.0.0.1', port: 0 }))
  expect([answer.status, await answer.json()]).toMatchObject([500, { code: 'FST_ERR_ASYNC_CONSTRAINT' }])
})

test.each([
  ['exportDownload', exportDownload],
  ['exportTicket', exportTicket],
  ['malformedPath', malformedPath],
])('%s refuses a value that is not a handler', (name, mount) => {
  expect(() => mount({} as never)).toThrow(
    `${name}: handler: must be what createExportHandler returns; got an object`,
  )
})
