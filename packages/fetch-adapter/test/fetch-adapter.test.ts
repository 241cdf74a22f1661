import {
  createExportHandler,
  type ExportHandler,
  type ExportHandlerOptions,
  type ExportRequest,
  type ExportResponse,
} from '@sallyport/core'
import { createMemoryStore } from '@sallyport/core/testing'
import { type Context, Hono } from 'hono'
import { compress } from 'hono/compress'
import { describe, expect, test, vi } from 'vitest'

import { exportDownload, exportTicket } from '../src/fetch-adapter.ts'

const id = '01900000-0000-7000-8000-000000000001'
const content = 'a,b\n'.repeat(50_000)
const options: ExportHandlerOptions = {
  verifier: {
    verify: async () => ({
      issuer: 'i',
      subject: 's',
      organizations: [],
      capabilities: ['read'],
      claims: {},
    }),
  },
  tenancy: { mode: 'single', tenant: { id: 'tenant', name: 'acme' } },
  capability: 'read',
  findExport: async () => ({ id, tenantId: 'tenant', key: 'object', format: 'csv', state: 'ready' }),
  store: createMemoryStore({ object: content }),
}
const guard = createExportHandler(options)
const params = (): ExportRequest['params'] => ({ exportId: id })
const url = `https://exports.test/exports/${id}/download?a=b`
const request = (given: RequestInit = {}): Request =>
  new Request(url, { ...given, headers: { authorization: 'Bearer ann' } })

/** A handler whose body is driven by the test, and what it was asked. */
function driven(answer: Partial<ExportResponse> = {}): {
  readonly handler: ExportHandler
  readonly asked: ExportRequest[]
  readonly released: () => boolean
  readonly reads: { resolve(chunk: Uint8Array): void; reject(error: Error): void }[]
  readonly end: AbortController
} {
  const asked: ExportRequest[] = []
  const reads: { resolve(chunk: Uint8Array): void; reject(error: Error): void }[] = []
  const end = new AbortController()
  let isReleased = false
  const chunks: AsyncIterator<Uint8Array> = {
    next: async () => {
      const read = Promise.withResolvers<Uint8Array>()
      reads.push(read)
      return { done: false, value: await read.promise }
    },
    return: async () => {
      isReleased = true
      return { done: true, value: undefined }
    },
  }
  const body = { length: 10, signal: end.signal, [Symbol.asyncIterator]: () => chunks }
  const handler: ExportHandler = {
    ...guard,
    handle: async (request) => {
      asked.push(request)
      return { status: 200, headers: { 'Content-Length': '10' }, body, ...answer }
    },
  }
  return { handler, asked, reads, end, released: () => isReleased }
}

const chunk = Uint8Array.of(1, 2, 3)

describe('a Response read in process', () => {
  test('has the status, the headers and the bytes', async () => {
    const answer = await exportDownload(guard, { params })(request())
    expect([answer.status, answer.headers.get('content-length')]).toEqual([200, String(content.length)])
    expect(await answer.text()).toBe(content)
  })

  test.each([
    [304, { 'if-none-match': '*' }, 'GET'],
    [200, {}, 'HEAD'],
    [204, {}, 'OPTIONS'],
  ])('%i %o %s has no body', async (status, headers, method) => {
    const given = new Request(url, { method, headers: { authorization: 'Bearer ann', ...headers } })
    const answer = await exportDownload(guard, { params })(given)
    expect([answer.status, answer.body]).toEqual([status, null])
  })

  test('a clone has the same bytes', async () => {
    const answer = await exportDownload(guard, { params })(request())
    const copy = answer.clone()
    expect(await Promise.all([answer.text(), copy.text()])).toEqual([content, content])
  })

  test('compression before it changes nothing, because the answer forbids a transformation', async () => {
    const app = new Hono().use(compress())
    app.all('/exports/:exportId/download', (c) =>
      exportDownload(guard, { params: () => c.req.param() })(c.req.raw),
    )
    const headers = { authorization: 'Bearer ann', 'accept-encoding': 'gzip' }
    const answer = await app.request(url, { headers })
    expect([answer.headers.get('content-encoding'), answer.headers.get('content-length')]).toEqual([
      null,
      String(content.length),
    ])
    expect(await answer.text()).toBe(content)
  })
})

describe('a download that fails', () => {
  test.each([0, 1])('errors after %i chunks, without a cause, and is released', async (count) => {
    const { handler, reads } = driven()
    const { body } = await exportDownload(handler, { params })(request())
    const reader = body?.getReader()
    for (let nth = 0; nth < count; nth++) {
      const reading = reader?.read()
      await expect.poll(() => reads.length).toBe(nth + 1)
      reads[nth]?.resolve(chunk)
      await reading
    }
    const reading = reader?.read()
    await expect.poll(() => reads.length).toBe(count + 1)
    reads[count]?.reject(new Error('secret'))
    await expect(reading).rejects.toEqual(new Error('cut'))
    await expect(reading).rejects.not.toHaveProperty('cause')
  })

  test('errors while nobody reads when the handler ends it, and both clones do', async () => {
    const { handler, end, reads, released } = driven()
    const answer = await exportDownload(handler, { params })(request())
    const readers = [answer.clone(), answer].map(({ body }) => body?.getReader())
    end.abort(new Error('secret'))
    for (const reader of readers) await expect(reader?.closed).rejects.toEqual(new Error('cut'))
    expect([reads.length, released()]).toEqual([0, true])
  })
})

test.each([content.length, 4])('a Response of %i bytes that nobody reads is given up', async (size) => {
  const ended = Promise.withResolvers<string>()
  const impatient = createExportHandler({
    ...options,
    store: createMemoryStore({ object: content.slice(0, size) }),
    delivery: { slowestClient: { bytes: 1_000_000, perMs: 100 } },
    onEvent: (event) => event.type === 'download_ended' && ended.resolve(event.outcome),
  })
  const answer = await exportDownload(impatient, { params })(request())
  expect(await ended.promise).toBe('client_too_slow')
  await expect(answer.text()).rejects.toThrow('cut')
})

describe('a client that leaves', () => {
  test('before the first read, by the signal of the request', async () => {
    const left = new AbortController()
    const { handler, asked, reads } = driven()
    await exportDownload(handler, { params })(request({ signal: left.signal }))
    expect([asked[0]?.signal.aborted, reads.length]).toEqual([false, 0])
    left.abort()
    expect(asked[0]?.signal.aborted).toBe(true)
  })

  test('before the handler was called', async () => {
    const { handler, asked } = driven()
    await exportDownload(handler, { params })(request({ signal: AbortSignal.abort() }))
    expect(asked[0]?.signal.aborted).toBe(true)
  })

  test('between reads, by a cancel', async () => {
    const { handler, asked, reads, released } = driven()
    const { body } = await exportDownload(handler, { params })(request())
    const reader = body?.getReader()
    const reading = reader?.read()
    await expect.poll(() => reads.length).toBe(1)
    reads[0]?.resolve(chunk)
    await reading
    await reader?.cancel()
    expect([reads.length, asked[0]?.signal.aborted, released()]).toEqual([1, true, true])
  })

  test('during a read that hangs, by a cancel, and nothing is left unhandled', async () => {
    const { handler, asked, reads, released } = driven()
    const { body } = await exportDownload(handler, { params })(request())
    const reader = body?.getReader()
    const reading = reader?.read()
    await expect.poll(() => reads.length).toBe(1)
    await reader?.cancel()
    expect([asked[0]?.signal.aborted, released()]).toEqual([true, true])
    expect(await reading).toEqual({ done: true, value: undefined })
    reads[0]?.reject(new Error('too late')) // an unhandled rejection would fail the run
  })
})

describe('the request of the handler', () => {
  test('has path and query, repeated headers joined, and what the framework passes', async () => {
    const { handler, asked } = driven()
    const mounted = exportDownload(handler, {
      params: async (_, info: { readonly id: string }) => ({ exportId: info.id }),
      address: (_, info) => `192.0.2.${info.id}`,
    })
    const twice = new Request(url, {
      headers: [
        ['X-Org-Name', 'a'],
        ['X-Org-Name', 'b'],
      ],
    })
    await mounted(twice, { id: '7' })
    expect(asked[0]).toMatchObject({
      method: 'GET',
      url: `/exports/${id}/download?a=b`,
      params: { exportId: '7' },
      address: '192.0.2.7',
    })
    expect(asked[0]?.borrow).toBeUndefined()
    expect(['x-org-name', 'range'].map((name) => asked[0]?.header(name))).toEqual(['a, b', undefined])
  })

  test.each([
    [`/exports/${id}/downloa%64`, {}],
    [`/export%73/${id}/download`, {}],
    ['/exports/%zz/downloa%64', {}],
    ['/exports/a%20b/download', { exportId: 'a b' }],
    ['/exports/%zz/download', { exportId: '%zz' }],
  ])('%s, which Hono takes for the route, has the parameters %o', async (path, expected) => {
    const { handler, asked } = driven()
    const mounted = exportDownload(handler, { params: (_, context: Context) => context.req.param() })
    const app = new Hono().all('/exports/:exportId/download', (context) => mounted(context.req.raw, context))
    await app.request(path)
    expect(asked[0]?.params).toEqual(expected)
  })

  test('what params and address throw reaches the framework', async () => {
    const fail = (): never => {
      throw new Error('no such parameter')
    }
    await expect(exportDownload(guard, { params: fail })(request())).rejects.toThrow('no such parameter')
    await expect(exportDownload(guard, { params, address: fail })(request())).rejects.toThrow('no such')
  })

  test('has a signal where the server gives none', async () => {
    const { handler, asked } = driven()
    const given = request()
    Object.defineProperty(given, 'signal', { value: undefined })
    await exportDownload(handler, { params })(given)
    expect(asked[0]?.signal.aborted).toBe(false)
  })

  test('the answer says when the connection is to be closed', async () => {
    const { handler } = driven({ closeConnection: true })
    const { headers } = await exportDownload(handler, { params })(request())
    expect(headers.get('connection')).toBe('close')
  })
})

test('exportTicket calls handleTicket', async () => {
  const handler: ExportHandler = {
    ...guard,
    issuesTickets: true,
    handleTicket: async () => ({ status: 201, headers: {} }),
  }
  expect((await exportTicket(handler, { params })(request({ method: 'POST' }))).status).toBe(201)
})

describe('wrong options', () => {
  test.each([
    [{}, 'exportDownload: params: must be a function (request, info) => params; got nothing'],
    [{ params: 5 }, 'exportDownload: params: must be a function'],
    [{ params, address: '::1' }, 'exportDownload: address: must be a function'],
    [{ params, onLostLength: 'maybe' }, "exportDownload: onLostLength: must be 'refuse' or 'allow'"],
    [{ params, parms: 1 }, 'exportDownload: parms'],
  ])('%o', (route, message) => {
    expect(() => exportDownload(guard, route as never)).toThrow(message)
  })

  test('a value that is not a handler, and one without tickets', () => {
    expect(() => exportDownload({} as never, { params })).toThrow('exportDownload: handler: must be')
    expect(() => exportTicket(guard, { params })).toThrow(
      'exportTicket: handler: must be a handler that was made',
    )
  })
})

describe('on Bun', () => {
  test.each([
    [
      '1.3.14',
      'allow',
      'exportDownload: Bun 1.3.14 would end a download that was cut as if it were complete',
    ],
    ['1.4.2', 'allow', 'as if it were complete. Use Bun 1.4.3 or later'],
    ['0.9.9', 'allow', 'as if it were complete'],
    ['1.4.5', undefined, 'exportDownload: Bun 1.4.5 drops Content-Length from downloads'],
    ['2.0.0', 'refuse', 'drops Content-Length'],
  ] as const)('%s with %s is refused', (version, onLostLength, reason) => {
    vi.stubGlobal('Bun', { version })
    const mount = (): unknown => exportDownload(guard, { params, ...(onLostLength && { onLostLength }) })
    expect(mount).toThrow(TypeError)
    expect(mount).toThrow(reason)
    vi.unstubAllGlobals()
  })

  test.each(['1.4.3', '1.10.0', '2.0.0'])('%s is allowed if the length may be lost', (version) => {
    vi.stubGlobal('Bun', { version })
    expect(exportDownload(guard, { params, onLostLength: 'allow' })).toBeTypeOf('function')
    vi.unstubAllGlobals()
  })
})
