import type { ExportHandler } from '@sallyport/core'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import { beforeAll, describe, expect, test, vi } from 'vitest'

import { exportDownload, malformedPath } from '../src/express-adapter.ts'
import { expresses } from './expresses.ts'
import { listen } from './listen.ts'
import type { Scene } from './scene.ts'
import { exportId, openScene } from './scene.ts'

const bytesOf = async (response: Response): Promise<Uint8Array> =>
  new Uint8Array(await response.arrayBuffer())

/** Middleware that puts itself between a handler and the socket and keeps what it is given until the end. */
const keepUntilTheEnd =
  (takesMore: boolean): RequestHandler =>
  (_request, response, next) => {
    const kept: Uint8Array[] = []
    const end = response.end.bind(response)
    response.write = (chunk: Uint8Array) => {
      kept.push(chunk)
      if (!takesMore) setImmediate(() => response.emit('drain'))
      return takesMore
    }
    response.end = ((chunk?: Uint8Array) => end(Buffer.concat(chunk ? [...kept, chunk] : kept))) as typeof end
    next()
  }

describe.each(expresses)('on Express $major', ({ express }) => {
  let scene: Scene
  beforeAll(async () => {
    scene = await openScene()
  })

  test('delivers the bytes, without header fields of the framework', async () => {
    const app = express().all('/exports/:exportId/download', exportDownload(scene.handler))
    await using server = await listen(app)
    const response = await fetch(new URL(scene.path, server.url), { headers: scene.headers })
    expect(await bytesOf(response)).toEqual(scene.bytes)
    expect(response.status).toBe(200)
    expect(response.headers.has('x-powered-by')).toBe(false)
    expect(scene.ended.at(-1)).toMatchObject({ outcome: 'completed', attempts: 1 })
  })

  test.each([
    { name: 'takes every chunk at once', takesMore: true },
    { name: 'lets each chunk wait', takesMore: false },
  ])('delivers the bytes through middleware that keeps chunks and $name', async ({ takesMore }) => {
    const app = express()
    app.use(keepUntilTheEnd(takesMore))
    app.all('/exports/:exportId/download', exportDownload(scene.handler))
    await using server = await listen(app)
    const response = await fetch(new URL(scene.path, server.url), { headers: scene.headers })
    expect(await bytesOf(response)).toEqual(scene.bytes)
    expect(scene.ended.at(-1)).toMatchObject({ outcome: 'completed', attempts: 1 })
  })

  test('and it would corrupt borrowed chunks', async () => {
    const lending: ExportHandler = {
      ...scene.handler,
      handle: (request) => scene.handler.handle({ ...request, borrow: true }),
    }
    const app = express()
    app.use(keepUntilTheEnd(true))
    app.all('/exports/:exportId/download', exportDownload(lending))
    await using server = await listen(app)
    const response = await fetch(new URL(scene.path, server.url), { headers: scene.headers })
    const seen = await bytesOf(response)
    expect(seen.length).toBe(scene.bytes.length)
    expect(seen).not.toEqual(scene.bytes)
  })

  test('is mounted under a router, also one whose own path has parameters', async () => {
    const router = express.Router({ mergeParams: true })
    router.all('/:exportId/download', exportDownload(scene.handler))
    const app = express().use('/regions/:region/exports', router)
    await using server = await listen(app)
    const url = new URL(`/regions/eu%2Fnorth/exports/${exportId}/download`, server.url)
    const response = await fetch(url, { headers: scene.headers })
    expect(await bytesOf(response)).toEqual(scene.bytes)
  })

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
    'refuses %s with a body, and does not wait for it',
    async (method) => {
      const app = express().all('/exports/:exportId/download', exportDownload(scene.handler))
      await using server = await listen(app)
      const body = Buffer.alloc(1_000)
      const response = await fetch(new URL(scene.path, server.url), { method, body, headers: scene.headers })
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
      expect(await response.json()).toEqual({ detail: 'Method Not Allowed' })
    },
  )

  test('passes the address that Express trusts to the handler', async () => {
    const app = express().set('trust proxy', 1)
    app.all('/exports/:exportId/download', exportDownload(scene.handler))
    await using server = await listen(app)
    const headers = { ...scene.headers, 'x-forwarded-for': '198.51.100.1, 203.0.113.9' }
    await bytesOf(await fetch(new URL(scene.path, server.url), { headers }))
    expect(scene.ended.at(-1)).toMatchObject({ address: '203.0.113.9' })
  })

  test('never calls next', async () => {
    const app = express()
    const next = vi.fn<RequestHandler>((_request, _response, next) => next())
    app.all('/exports/:exportId/download', exportDownload(scene.handler), next)
    await using server = await listen(app)
    const response = await fetch(new URL(scene.path, server.url), { headers: scene.headers })
    expect(await bytesOf(response)).toEqual(scene.bytes)
    expect(next).not.toHaveBeenCalled()
  })

  describe('a path that cannot be decoded', () => {
    const mount = (): ReturnType<typeof express> => {
      const app = express()
      app.all('/exports/:exportId/download', exportDownload(scene.handler))
      app.get('/others/:id', (_request, response) => {
        response.send('found')
      })
      app.get('/broken', () => {
        throw new Error('of the host')
      })
      app.get('/exports/broken', () => decodeURIComponent('%'))
      app.use('/exports', malformedPath(scene.handler))
      return app
    }

    test.each([
      { caller: 'a stranger', known: false, status: 401, answer: { detail: 'Not authenticated' } },
      {
        caller: 'a caller who is known',
        known: true,
        status: 422,
        answer: {
          detail: [
            {
              type: 'uuid_parsing',
              loc: ['path', 'exportId'],
              msg: 'Input should be a valid UUID, invalid length: expected length 32 for simple format, found 0',
            },
          ],
        },
      },
    ])("is the guard's to answer: $status to $caller", async ({ known, status, answer }) => {
      await using server = await listen(mount())
      const headers = known ? scene.headers : {}
      const response = await fetch(new URL('/exports/%zz/download', server.url), { headers })
      expect([response.status, await response.json()]).toEqual([status, answer])
    })

    test('shows no stack trace, also if NODE_ENV is not set', async () => {
      vi.stubEnv('NODE_ENV', undefined)
      const printed = vi.spyOn(console, 'error').mockReturnValue()
      try {
        await using server = await listen(mount())
        const elsewhere = await fetch(new URL('/others/%zz', server.url))
        const here = await fetch(new URL('/exports/%zz/download', server.url))
        expect(await elsewhere.text()).toContain('at decodeURIComponent')
        expect(await here.text()).toBe('{"detail":"Not authenticated"}')
        expect(printed).toHaveBeenCalledOnce() // by Express, for the other one
      } finally {
        printed.mockRestore()
        vi.unstubAllEnvs()
      }
    })

    test.each([
      { what: 'other errors', path: '/broken', message: 'of the host' },
      { what: "the host's own of that name", path: '/exports/broken', message: 'URI malformed' },
      { what: 'malformed paths elsewhere', path: '/others/%zz', message: "Failed to decode param '%zz'" },
    ])("$what stay with the host's error handler", async ({ path, message }) => {
      const app = mount()
      const ended = scene.ended.length
      const hosts: ErrorRequestHandler = (error: Error, _request, response, _next) => {
        response.status(418).send(error.message)
      }
      app.use(hosts)
      await using server = await listen(app)
      const response = await fetch(new URL(path, server.url))
      expect([response.status, await response.text()]).toEqual([418, message])
      expect(scene.ended).toHaveLength(ended)
    })
  })
})

test('on Express 5 a parameter of several segments is joined, and is not a valid id', async () => {
  const scene = await openScene()
  const [{ express }] = expresses as [(typeof expresses)[0]]
  const app = express().all('/exports/*exportId', exportDownload(scene.handler))
  await using server = await listen(app)
  const response = await fetch(new URL('/exports/a/b', server.url), { headers: scene.headers })
  const msg = 'Input should be a valid UUID, invalid character: found `/` at 2'
  expect(response.status).toBe(422)
  expect(await response.json()).toMatchObject({ detail: [{ msg }] })
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
    expect(() => malformedPath(handler as never)).toThrow(
      `malformedPath: handler: must be what createExportHandler returns; got ${what}`,
    )
  })
})

test('the handler itself is not a route handler: it does not compile, and Express refuses it', async () => {
  const { handler } = await openScene()
  const [{ express }] = expresses as [(typeof expresses)[0]]
  const app = express()
  // @ts-expect-error it is mounted by exportDownload
  const mount = (): unknown => app.all('/exports/:exportId/download', handler)
  expect(mount).toThrow(TypeError)
})
