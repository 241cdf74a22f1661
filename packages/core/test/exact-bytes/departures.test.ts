import { once } from 'node:events'
import { connect } from 'node:net'

import { describe, expect, test } from 'vitest'

import { openFiles } from '../../../../scripts/servers/open-files.ts'
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import type { ExportStore, OpenObject, RateLimiter } from '../../src/ports.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import { exportId, key, openGuard, path, until } from './guard.ts'
import { serve } from './server.ts'

const bytes = positionCoded(20_000_000)
const descriptors = (): number => openFiles().length
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
const never = <V>(): Promise<V> => new Promise(() => undefined)

/** What is out at the moment: objects of a store, places of a limiter. Never below zero. */
function ledger(store: ExportStore, limiter: RateLimiter = createMemoryLimiter({ maxKeys: 100 })) {
  const objects = new Set<OpenObject>()
  let places = 0
  const countedStore: ExportStore = {
    head: (...args) => store.head(...args),
    get: async (...args) => {
      const object = await store.get(...args)
      if (!object) return undefined
      const counted: OpenObject = {
        ...object,
        close: () => {
          object.close()
          objects.delete(counted)
        },
      }
      objects.add(counted)
      return counted
    },
  }
  const countedLimiter: RateLimiter = {
    admit: async (ask, signal) => {
      const admission = await limiter.admit(ask, signal)
      if (!admission.admitted || ask.slots.length === 0) return admission
      places += 1
      return {
        ...admission,
        release: () => {
          places -= 1
          admission.release()
        },
      }
    },
  }
  return { store: countedStore, limiter: countedLimiter, objects: () => objects.size, places: () => places }
}

const generous = {
  perPrincipal: { capacity: 1_000_000, refill: 1_000_000, perMs: 100 },
  concurrent: { perPrincipal: 10_000 },
}

/** Sends a request, and returns a function that leaves. */
async function visitor(port: number): Promise<{ leave(): void; readUntil(bytes: number): Promise<void> }> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer token\r\n\r\n`)
  return {
    leave: () => socket.destroy(),
    readUntil: async (limit) => {
      let read = 0
      for await (const chunk of socket) {
        read += (chunk as Buffer).length
        if (read >= limit) return
      }
    },
  }
}

test('1,000 downloads that stop at random bytes leak nothing', { timeout: 60_000 }, async () => {
  const out = ledger(createMemoryStore({ [key]: bytes }))
  const guard = openGuard(out.store, { limits: { ...generous, limiter: out.limiter } })
  const server = await serve(guard.handler)
  const before = { descriptors: descriptors(), timers: timers() }
  for (let round = 0; round < 40; round++) {
    await Promise.all(
      Array.from({ length: 25 }, async (_, n) => {
        const client = await visitor(server.port)
        await client.readUntil(((round * 25 + n) * 104_729) % 2_000_000)
        client.leave()
      }),
    )
  }
  await until(() => guard.ended().length === 1_000 && server.open() === 0)
  expect(guard.ended().every(({ outcome }) => outcome === 'client_aborted' || outcome === 'completed')).toBe(
    true,
  )
  expect(guard.ended().filter(({ outcome }) => outcome === 'client_aborted').length).toBeGreaterThan(500)
  expect([out.objects(), out.places()]).toEqual([0, 0])
  await until(() => descriptors() <= before.descriptors && timers() <= before.timers)
  await server.close()
})

describe('a client that leaves while the handler waits', () => {
  const record = { id: exportId, tenantId: 't-1', key, format: 'jsonl', state: 'ready' } as const
  const principal = {
    issuer: 'i',
    subject: 's',
    organizations: ['acme'],
    capabilities: ['download'],
    claims: {},
  }
  const tenant = { id: 't-1', name: 'acme' }
  /** Each await of the pipeline, made to wait for ever. */
  const stages: Record<string, (hang: <V>() => Promise<V>) => Parameters<typeof openGuard>[1]> = {
    'address quota': (hang) => ({
      limits: {
        ...generous,
        perAddress: { capacity: 1, refill: 1, perMs: 100 },
        limiter: { admit: () => hang() },
      },
    }),
    verifier: (hang) => ({ verifier: { verify: () => hang() } }),
    findTenant: (hang) => ({ tenancy: { mode: 'multi', headerOptional: true, findTenant: () => hang() } }),
    isMember: (hang) => ({
      verifier: { verify: async () => ({ ...principal, organizations: ['other'] }) },
      tenancy: {
        mode: 'multi',
        findTenant: async (name) => ({ id: 't-1', name }),
        isMember: () => hang(),
      },
    }),
    limiter: (hang) => ({ limits: { ...generous, limiter: { admit: () => hang() } } }),
    findExport: (hang) => ({ findExport: () => hang() }),
    head: (hang) => ({ findExport: async () => record, store: { head: () => hang(), get: () => hang() } }),
    get: (hang) => ({ store: { head: () => hang(), get: () => hang() } }),
    'first chunk': (hang) => ({
      store: {
        head: () => hang(),
        get: async () => ({
          info: { size: 10, validator: 'v' },
          chunks: { [Symbol.asyncIterator]: () => ({ next: () => hang() }) },
          close: () => undefined,
        }),
      },
    }),
    audit: (hang) => ({ audit: () => hang() }),
  }

  test.each(Object.entries(stages))(
    'for the %s is released, 200 times',
    { timeout: 30_000 },
    async (name, options) => {
      let waiting = 0
      const hang = <V>(): Promise<V> => {
        waiting += 1
        return never()
      }
      const made = options(hang) ?? {}
      const out = ledger(
        (made.store as ExportStore | undefined) ?? createMemoryStore({ [key]: bytes }),
        made.limits?.limiter,
      )
      const guard = openGuard(out.store, {
        tenancy: { mode: 'single', tenant },
        ...made,
        store: out.store,
        limits: { ...generous, ...made.limits, limiter: out.limiter },
      })
      const address = name === 'address quota' ? '127.0.0.1' : undefined
      const { serveNode } = await import('../../src/node/serve-node.ts')
      const server = await serve(guard.handler, (request, response) => {
        if (name === 'head') request.headers.range = 'bytes=0-1'
        if (name === 'isMember') request.headers['x-org-name'] = 'acme'
        void serveNode(guard.handler, request, response, {
          params: { exportId },
          ...(address && { address }),
        })
      })
      const before = { descriptors: descriptors(), timers: timers() }
      for (let round = 0; round < 8; round++) {
        const clients = await Promise.all(Array.from({ length: 25 }, () => visitor(server.port)))
        await until(() => waiting === (round + 1) * 25)
        for (const client of clients) client.leave()
      }
      await until(() => guard.ended().length === 200 && server.open() === 0)
      expect(new Set(guard.ended().map(({ outcome }) => outcome))).toEqual(new Set(['client_aborted']))
      expect(guard.troubles()).toEqual([])
      expect([out.objects(), out.places()]).toEqual([0, 0])
      await until(() => descriptors() <= before.descriptors && timers() <= before.timers)
      await server.close()
    },
  )
})

test('a slot that is granted after its client has left is released, and so is an object', async () => {
  const late = Promise.withResolvers<void>()
  const memory = createMemoryStore({ [key]: bytes })
  const slow: ExportStore = {
    head: (...args) => memory.head(...args),
    get: async (name, options) => {
      await late.promise
      return memory.get(name, options, new AbortController().signal)
    },
  }
  const out = ledger(slow)
  const guard = openGuard(out.store, { limits: { ...generous, limiter: out.limiter } })
  const controller = new AbortController()
  const answer = guard.handler.handle({
    method: 'GET',
    params: { exportId },
    header: (name) => (name === 'authorization' ? 'Bearer x' : undefined),
    signal: controller.signal,
  })
  await until(() => out.places() === 1)
  controller.abort()
  await answer
  expect(out.places()).toBe(0)
  late.resolve()
  await until(() => out.objects() === 0)
})
