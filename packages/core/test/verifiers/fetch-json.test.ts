import { describe, expect, test } from 'vitest'

import { fetchJson } from '../../src/verifiers/fetch-json.ts'
import { type Answer, serve } from './serve.ts'

const get = (url: URL, signal = new AbortController().signal): Promise<unknown> =>
  fetchJson({ url: url.href, method: 'GET', headers: { accept: 'application/json' }, maxBytes: 64 }, signal)

describe('fetchJson', () => {
  test('gives what a 200 holds', async () => {
    await using server = await serve({ body: { keys: [] } })
    expect(await get(server.url)).toEqual({ value: { keys: [] }, bytes: 11 })
    expect(server.requests[0]?.headers.accept).toBe('application/json')
  })

  test.each<[string, Answer, string | RegExp]>([
    ['no content', { status: 204 }, 'status 204'],
    ['an error', { status: 500, body: { keys: [] } }, 'status 500'],
    ['a long error', { status: 403, body: 'x'.repeat(1_000_000) }, 'status 403'],
    ['one byte too many', { body: `"${'x'.repeat(63)}"` }, 'longer than 64 bytes'],
    ['no JSON', { body: '<html>' }, /^the answer is no JSON$/],
    ['nothing', { body: '' }, 'JSON'],
    ['no UTF-8', (_, response) => response.end(Buffer.from([0x22, 0xff, 0x22])), 'encoded data'],
    [
      'a cut',
      (_, response) =>
        void response.writeHead(200, { 'content-length': 9 }).write('{', () => response.destroy()),
      'terminated',
    ],
  ])('refuses %s', async (_, answer, message) => {
    await using server = await serve(answer)
    await expect(get(server.url)).rejects.toThrow(message)
  })

  test('takes exactly as many bytes as it may', async () => {
    await using server = await serve({ body: `"${'x'.repeat(62)}"` })
    expect(await get(server.url)).toEqual({ value: 'x'.repeat(62), bytes: 64 })
  })

  test('follows no redirect', async () => {
    await using inside = await serve({ body: { keys: [] } })
    await using server = await serve({ status: 302, headers: { location: inside.url.href } })
    await expect(get(server.url)).rejects.toThrow('status 302')
    expect(inside.requests).toEqual([])
  })

  test.each([
    [200, 'longer than 64 bytes'],
    [500, 'status 500'],
  ])('ends an endless answer of status %i', async (status, message) => {
    await using server = await serve((_, response) => {
      response.writeHead(status)
      const more = (error?: Error | null): void => {
        if (!error) response.write('x'.repeat(1_024), more)
      }
      more()
    })
    await expect(get(server.url)).rejects.toThrow(message)
    await server.ended(1)
  })

  test.each<[string, Answer]>([
    ['before the head', () => undefined],
    ['within the body', (_, response) => void response.writeHead(200).write('{')],
  ])('lets go when its signal fires %s', async (_, answer) => {
    await using server = await serve(answer)
    const controller = new AbortController()
    const asked = get(server.url, controller.signal)
    await server.requested(1)
    controller.abort(new Error('over'))
    await expect(asked).rejects.toThrow('over')
    await server.ended(1)
  })
})
