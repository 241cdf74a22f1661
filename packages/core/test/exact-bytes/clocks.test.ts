import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:http'
import { connect } from 'node:net'

import { describe, expect, test } from 'vitest'

import type { ExportStore, OpenObject } from '../../src/ports.ts'
import { createChaosStore } from '../../src/testing/chaos-store.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import { key, openGuard, path, until } from './guard.ts'
import { serve } from './server.ts'

const size = 20_000_000
const bytes = positionCoded(size)
const memory = (): ExportStore => createMemoryStore({ [key]: bytes })
const never = <V>(): Promise<V> => new Promise(() => undefined)

/** Sends a request over a raw socket, and reads nothing until the test says so. */
async function stalledClient(
  port: number,
): Promise<{ read(): Promise<{ bytes: number; reset: boolean }>; leave(): void }> {
  const socket = connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  socket.pause()
  socket.write(`GET ${path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer token\r\n\r\n`)
  let closed = false
  socket.on('error', () => undefined)
  socket.on('close', () => (closed = true))
  return {
    read: async () => {
      let read = 0
      socket.on('data', (chunk: Buffer) => (read += chunk.length))
      socket.resume()
      await until(() => closed)
      return { bytes: read, reset: read < size }
    },
    leave: () => socket.destroy(),
  }
}

async function ask(
  url: string,
): Promise<{ status: number; retryAfter: string | undefined; complete: boolean }> {
  return new Promise((resolve) => {
    let seen: { status: number; retryAfter: string | undefined } = { status: 0, retryAfter: undefined }
    const client = request(
      `${url}${path}`,
      { headers: { authorization: 'Bearer token' }, agent: false },
      (response) => {
        seen = { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] }
        response.resume()
        response.on('close', () => resolve({ ...seen, complete: response.complete }))
        response.on('error', () => undefined)
      },
    )
    client.on('error', () => resolve({ ...seen, complete: false }))
    client.end()
  })
}

describe('each clock has its own outcome', () => {
  test('no first byte in time: 503 with Retry-After, and a trouble that names the silent port', async () => {
    const silent = { head: () => never(), get: () => never() } as ExportStore
    const guard = openGuard(silent, { delivery: { firstByteMs: 100 } })
    const server = await serve(guard.handler)
    const { status, retryAfter } = await ask(server.url)
    expect([status, Number(retryAfter) >= 5 && Number(retryAfter) <= 20]).toEqual([503, true])
    await until(() => guard.ended().length === 1)
    expect(guard.ended()[0]).toMatchObject({ outcome: 'refused', kind: 'unavailable', type: 'request_ended' })
    expect(guard.troubles()).toMatchObject([{ port: 'store', code: 'store_silent' }])
    await server.close()
  })

  test('a store that stalls for good: a reset, within the time limit', async () => {
    const chaos = createChaosStore(memory(), { faults: [{ does: 'stall', atByte: 100_000, times: 99 }] })
    const guard = openGuard(chaos, {
      delivery: { storeSilenceMs: 100, resume: { attempts: 2, withinMs: 1_000 } },
    })
    const server = await serve(guard.handler)
    expect(await ask(server.url)).toMatchObject({ status: 200, complete: false })
    await until(() => guard.ended().length === 1)
    expect(guard.ended()[0]).toMatchObject({ outcome: 'store_stalled', attempts: 3 })
    await server.close()
  })

  test('a client slower than the floor: a reset', async () => {
    const guard = openGuard(memory(), { delivery: { slowestClient: { bytes: 1_000_000, perMs: 100 } } })
    const server = await serve(guard.handler)
    const client = await stalledClient(server.port)
    await until(() => guard.ended().length === 1)
    expect(guard.ended()[0]).toMatchObject({ outcome: 'client_too_slow' })
    expect(await client.read()).toMatchObject({ reset: true })
    await server.close()
  })

  test('a client that reads at its own pace above the floor is served to the end', async () => {
    const guard = openGuard(memory(), { delivery: { slowestClient: { bytes: 1_000, perMs: 150 } } })
    const server = await serve(guard.handler)
    const client = request(`${server.url}${path}`, {
      headers: { authorization: 'Bearer token' },
      agent: false,
    })
    client.end()
    const [response] = (await once(client, 'response')) as [IncomingMessage]
    let read = 0
    for await (const chunk of response) {
      read += (chunk as Buffer).length
      if (read % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(read).toBe(size)
    await until(() => guard.ended().length === 1)
    expect(guard.ended()[0]).toMatchObject({ outcome: 'completed' })
    await server.close()
  })

  test('waiting for the store does not count against the client', async () => {
    const short = createMemoryStore({ [key]: positionCoded(1_000_000) })
    const faults = Array.from({ length: 10 }, (_, n) => ({ does: 'slow', atByte: (n + 1) * 90_000 }) as const)
    const chaos = createChaosStore(short, { faults })
    const guard = openGuard(chaos, { delivery: { slowestClient: { bytes: 100_000_000, perMs: 300 } } })
    const server = await serve(guard.handler)
    expect(await ask(server.url)).toMatchObject({ status: 200, complete: true })
    await until(() => guard.ended().length === 1)
    expect(guard.ended()[0]?.durationMs).toBeGreaterThan(400)
    await server.close()
  })

  test('a download longer than its lifetime: a reset', async () => {
    const guard = openGuard(memory(), { delivery: { lifetimeMs: 1_000 } })
    const server = await serve(guard.handler)
    const client = await stalledClient(server.port)
    await until(() => guard.ended().length === 1)
    expect(guard.ended()[0]).toMatchObject({ outcome: 'lifetime_over' })
    expect(await client.read()).toMatchObject({ reset: true })
    await server.close()
  })

  test('a client that leaves', async () => {
    const guard = openGuard(memory())
    const server = await serve(guard.handler)
    const client = await stalledClient(server.port)
    await until(() => guard.started().length === 1)
    client.leave()
    await until(() => guard.ended().length === 1)
    expect(guard.ended()[0]).toMatchObject({ outcome: 'client_aborted', status: 200 })
    expect(guard.troubles()).toEqual([])
    await server.close()
  })
})

describe('drain', () => {
  test('refuses new requests, lets running downloads end and resolves then', async () => {
    const guard = openGuard(memory())
    const server = await serve(guard.handler)
    const client = await stalledClient(server.port)
    await until(() => guard.started().length === 1)
    const drained = guard.handler.drain({ withinMs: 60_000 })
    const { status, retryAfter } = await ask(server.url)
    expect([status, Number(retryAfter) > 0]).toEqual([503, true])
    const { bytes: read } = await Promise.race([client.read(), guardEnds(guard, 2, server)])
    expect(read).toBeGreaterThanOrEqual(size)
    expect(guard.ended().map(({ outcome }) => outcome)).toEqual(['refused', 'completed'])
    await drained
    await server.close()
  })

  test('cuts at its deadline what still runs, which a client sees as a reset', async () => {
    const guard = openGuard(memory())
    const server = await serve(guard.handler)
    const client = await stalledClient(server.port)
    await until(() => guard.started().length === 1)
    await guard.handler.drain({ withinMs: 0 })
    expect(guard.ended()).toMatchObject([{ outcome: 'shut_down' }])
    expect(await client.read()).toMatchObject({ reset: true })
    expect(await ask(server.url)).toMatchObject({ status: 503 })
    await server.close()
  })
})

describe('audit', () => {
  test('is awaited before the first byte', async () => {
    const seen: unknown[] = []
    let allow = (): void => undefined
    const guard = openGuard(memory(), {
      audit: async (event) => {
        seen.push(event)
        await new Promise<void>((resolve) => (allow = resolve))
      },
    })
    const server = await serve(guard.handler)
    const answer = ask(server.url)
    await until(() => seen.length === 1)
    expect(guard.started()).toEqual([])
    expect(seen[0]).toMatchObject({
      type: 'download_started',
      status: 200,
      bytesPromised: size,
      attempts: 1,
      tenantId: 't-1',
    })
    allow()
    expect(await answer).toMatchObject({ status: 200, complete: true })
    expect(guard.started()).toHaveLength(1)
    await server.close()
  })

  test.each([
    ['rejects', async () => Promise.reject(new Error('disk full'))],
    [
      'throws',
      () => {
        throw new Error('disk full')
      },
    ],
  ])('that %s is 503, and the object is closed', async (_, audit) => {
    const { store, open } = counted(memory())
    const guard = openGuard(store, { audit })
    const server = await serve(guard.handler)
    expect(await ask(server.url)).toMatchObject({ status: 503 })
    expect(guard.troubles()).toMatchObject([{ port: 'audit', code: 'audit_failed' }])
    expect(guard.started()).toEqual([])
    await until(() => open() === 0)
    await server.close()
  })

  test('that never settles is 503 after two seconds', async () => {
    const { store, open } = counted(memory())
    const guard = openGuard(store, { audit: () => never() })
    const server = await serve(guard.handler)
    expect(await ask(server.url)).toMatchObject({ status: 503 })
    await until(() => open() === 0)
    await server.close()
  })
})

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('sink')
    },
  ],
  ['rejects', async () => Promise.reject(new Error('sink'))],
  ['never settles', () => never()],
])('a sink that %s has no effect', async (_, onEvent) => {
  const guard = openGuard(memory(), { onEvent })
  const server = await serve(guard.handler)
  expect(await ask(server.url)).toMatchObject({ status: 200, complete: true })
  await server.close()
})

test('a response that other code has begun is not touched', async () => {
  const guard = openGuard(memory())
  const server = await serve(guard.handler, (request, response) => {
    response.end('mine')
    void import('../../src/node/serve-node.ts').then(({ serveNode }) =>
      serveNode(guard.handler, request, response, { params: {} }),
    )
  })
  expect(await (await fetch(`${server.url}${path}`)).text()).toBe('mine')
  await until(() => guard.ended().length === 1)
  expect(guard.ended()[0]).toMatchObject({ outcome: 'failed' })
  expect(String(guard.ended()[0]?.cause)).toContain('response_taken')
  await server.close()
})

/** Counts the objects that are open. */
function counted(store: ExportStore): { store: ExportStore; open: () => number } {
  const open = new Set<OpenObject>()
  return {
    open: () => open.size,
    store: {
      head: (...args) => store.head(...args),
      get: async (...args) => {
        const object = await store.get(...args)
        if (!object) return undefined
        const counted: OpenObject = {
          ...object,
          close: () => {
            object.close()
            open.delete(counted)
          },
        }
        open.add(counted)
        return counted
      },
    },
  }
}

async function guardEnds(
  guard: ReturnType<typeof openGuard>,
  often: number,
  server: { close(): Promise<void> },
): Promise<never> {
  await until(() => guard.ended().length === often)
  await server.close()
  return never()
}
