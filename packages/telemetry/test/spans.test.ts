import { trace } from '@opentelemetry/api'
import type { ExportEvent, ExportHandlerOptions } from '@sallyport/core'
import { refuse } from '@sallyport/core'
import { createChaosStore } from '@sallyport/core/testing'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'

import { exportPath, holding, openScene, optionsOf, size } from './scene.ts'
import type { Scene } from './scene.ts'
import { startTracing, treeOf } from './tracing.ts'

const tracing = startTracing()
beforeEach(tracing.reset)

const isEnd = ({ type }: ExportEvent): boolean => type === 'download_ended' || type === 'request_ended'
const started = ['verify', 'find_tenant', 'admit', 'find_export', 'store.get#1', 'audit']
const head = 'sallyport.download.head 200'

/** The tree below the span of node:http, whose own line is `GET 200`. Waits for that span, which ends with the response. */
async function tree(lines: number): Promise<readonly string[]> {
  while (treeOf(tracing.spans()).length < lines) await new Promise((resolve) => setImmediate(resolve))
  return treeOf(tracing.spans())
}

/** The tree of one request with these spans below it. */
const request = (line: string, own: string, ...children: readonly string[]): readonly string[] => [
  line,
  `  ${own}`,
  ...children.map((child) => `    ${child}`),
]

async function open(options: ExportHandlerOptions): Promise<Scene> {
  const scene = await openScene(options)
  onTestFinished(() => scene[Symbol.asyncDispose]())
  return scene
}

describe('the spans of a request are children of the server span of node:http', () => {
  test('a download that was healed twice has not failed', async () => {
    const faults = [
      { does: 'cut', atByte: 100_000 },
      { does: 'cut', atByte: 250_000 },
    ] as const
    const scene = await open(optionsOf(createChaosStore(holding(), { faults })))
    expect(await scene.read()).toEqual({ status: 200, bytes: size, failed: false })
    const expected = request(
      'GET 200',
      'sallyport.download 200 completed',
      ...started,
      head,
      'store.get#2',
      'store.get#3',
    )
    expect(await tree(expected.length)).toEqual(expected)
    const span = tracing.spans().find(({ name }) => name === 'sallyport.download')
    expect(span?.attributes).toMatchObject({
      'sallyport.attempts': 3,
      'sallyport.bytes_promised': size,
      'sallyport.bytes_sent': size,
      'sallyport.format': 'jsonl',
      'sallyport.version': 'v1',
      'sallyport.via': 'token',
    })
    expect(span?.attributes['sallyport.request.id']).toBe(scene.events.find(isEnd)?.id)
  })

  test('the head is exported while the download runs, and the download ends with its last byte', async () => {
    const scene = await open(optionsOf(holding(20_000_000)))
    const response = await scene.ask()
    expect(tracing.spans().map(({ name }) => name)).toContain('sallyport.download.head')
    expect(tracing.spans().map(({ name }) => name)).not.toContain('sallyport.download')
    for await (const _ of response);
    const ended = await scene.ended(isEnd)
    const span = tracing.spans().find(({ name }) => name === 'sallyport.download')
    const [seconds, nanoseconds] = span?.duration ?? [0, 0]
    const event = 'durationMs' in ended ? ended.durationMs : Number.NaN
    expect(Math.abs(seconds * 1_000 + nanoseconds / 1e6 - event)).toBeLessThan(5)
  })

  test('a download that was cut keeps its status and has an error', async () => {
    const scene = await open(optionsOf(holding(20_000_000)))
    const response = await scene.ask()
    scene.handler.cut(() => true)
    await expect(response.toArray()).rejects.toThrow('aborted')
    const expected = request('GET 200', 'sallyport.download 200 cut !cut ERROR', ...started, head)
    expect(await tree(expected.length)).toEqual(expected)
  })

  test('a client that leaves in mid-body is no error', async () => {
    const scene = await open(optionsOf(holding(20_000_000)))
    const response = await scene.ask()
    response.destroy()
    await scene.ended(isEnd)
    const expected = request('GET 200', 'sallyport.download 200 client_aborted', ...started, head)
    expect(await tree(expected.length)).toEqual(expected)
  })

  test('a client that leaves before the head is no error, and the port that it waited for is', async () => {
    const reached = Promise.withResolvers<void>()
    const findExport = (_: unknown, signal: AbortSignal): Promise<undefined> => {
      reached.resolve()
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('gone'))))
    }
    const scene = await open(optionsOf(holding(), { findExport }))
    const leave = new AbortController()
    const left = fetch(new URL(exportPath, scene.url), {
      headers: { authorization: 'Bearer ann', 'x-org-name': 'acme' },
      signal: leave.signal,
    })
    await reached.promise
    leave.abort()
    await expect(left).rejects.toThrow('aborted')
    await scene.ended(isEnd)
    const own = await tree(6)
    expect(own.slice(1)).toEqual([
      '  sallyport.download 499 client_aborted',
      '    verify',
      '    find_tenant',
      '    admit',
      '    find_export !_OTHER ERROR',
    ])
  })

  test('a refusal for a fault of the caller is no error', async () => {
    const scene = await open(optionsOf(holding()))
    await scene.read({ headers: { authorization: 'Bearer bad' } })
    const expected = request(
      'GET 401',
      'sallyport.download 401 refused token_invalid',
      'verify token_invalid',
    )
    expect(await tree(expected.length)).toEqual(expected)
  })

  test('a refusal whose event is withheld has its kind', async () => {
    const scene = await open(optionsOf(holding()))
    for (let nth = 0; nth < 12; nth += 1) await scene.read({ headers: { authorization: 'Bearer bad' } })
    const one = request('GET 401', 'sallyport.download 401 refused token_invalid', 'verify token_invalid')
    const all = Array.from({ length: 12 }, () => one).flat()
    expect(await tree(all.length)).toEqual(all)
  })

  test('a store that does not answer is an error', async () => {
    const store = { ...holding(), get: async () => refuse('unavailable') }
    const scene = await open(optionsOf(store))
    expect(await scene.read()).toMatchObject({ status: 503 })
    const expected = request(
      'GET 503 !503 ERROR',
      'sallyport.download 503 refused unavailable !unavailable ERROR',
      ...started.slice(0, 4),
      'store.get#1 unavailable !unavailable ERROR',
    )
    expect(await tree(expected.length)).toEqual(expected)
  })

  test('a HEAD asks the store, sends nothing and has no head', async () => {
    const scene = await open(optionsOf(holding()))
    await scene.read({ method: 'HEAD' })
    const expected = request(
      'HEAD 200',
      'sallyport.download 200 completed',
      ...started.slice(0, 4),
      'store.head',
    )
    expect(await tree(expected.length)).toEqual(expected)
  })

  test('a ticket is issued and used', async () => {
    const scene = await open(optionsOf(holding(10)))
    const issued = await scene.ask({ method: 'POST', path: scene.ticketPath })
    const { url } = JSON.parse(Buffer.concat(await issued.toArray()).toString()) as { url: string }
    await scene.read({ path: url, headers: { authorization: '' } })
    const expected = [
      ...request(
        'POST 201',
        'sallyport.ticket 201 completed',
        'verify',
        'find_tenant',
        'admit',
        'find_export',
      ),
      ...request('GET 200', 'sallyport.download 200 completed', ...started, head),
    ]
    expect(await tree(expected.length)).toEqual(expected)
    expect(tracing.spans().findLast(({ name }) => name === 'sallyport.download')?.attributes).toMatchObject({
      'sallyport.via': 'ticket',
    })
    const seen = JSON.stringify(tracing.spans().map(({ attributes }) => attributes))
    expect(seen).not.toContain(url.split('=')[1]) // node:http's own instrumentation redacts `sig`, too
  })

  test('the host gets its events in the context of the request', async () => {
    const seen: unknown[] = []
    const onEvent = ({ type }: ExportEvent): void =>
      void seen.push([type, trace.getActiveSpan()?.spanContext().spanId])
    const scene = await open(optionsOf(holding(10), { onEvent }))
    await scene.read()
    await scene.ended(isEnd)
    const id = tracing
      .spans()
      .find(({ name }) => name === 'sallyport.download')
      ?.spanContext().spanId
    expect(id).toBeDefined()
    expect(seen).toEqual([
      ['download_started', id],
      ['download_ended', id],
    ])
  })
})
