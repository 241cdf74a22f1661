import { inspect } from 'node:util'

import { describe, expect, test } from 'vitest'

import type { OpenObject } from '../../src/ports.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import type { Ask } from './ask.ts'
import {
  byAnyone,
  type Fault,
  leak,
  leaksIn,
  settled,
  storeWith,
  token,
  verifier,
  watchProcess,
  ways,
} from './leaks.ts'
import { content, openScene, type SceneOptions } from './scene.ts'

watchProcess()

const perAddress = { capacity: 5, refill: 1, perMs: 1_000 }
const memory = createMemoryStore({ 'acme/ready': content })
const unreadable = (fault: Fault): SceneOptions => ({
  delivery: { resume: { attempts: 1 } },
  store: storeWith({
    get: async (...asked) => {
      const object = await memory.get(...asked)
      return object && { ...object, chunks: { [Symbol.asyncIterator]: () => ({ next: fault }) } }
    },
  }),
})

/** Each port, made to fail, and what it is called then. */
const ports: readonly (readonly [string, (fault: Fault) => SceneOptions, Partial<Ask>, string, string])[] = [
  ['verifier', (fault) => ({ verifier: { verify: fault } }), {}, 'verifier', 'verifier_failed'],
  [
    'findTenant',
    (fault) => ({ tenancy: { mode: 'multi', findTenant: fault } }),
    {},
    'tenants',
    'tenants_failed',
  ],
  ['limiter', (fault) => ({ limits: { limiter: { admit: fault } } }), {}, 'limiter', 'limiter_failed'],
  [
    'limiter of addresses',
    (fault) => ({ limits: { perAddress, limiter: { admit: fault } } }),
    {},
    'limiter',
    'limiter_failed',
  ],
  ['findExport', (fault) => ({ findExport: fault }), {}, 'catalogue', 'catalogue_failed'],
  ['store.get', (fault) => ({ store: storeWith({ get: fault }) }), {}, 'store', 'store_failed'],
  [
    'store.head',
    (fault) => ({ store: storeWith({ head: fault }) }),
    { headers: { range: 'bytes=0-1' } },
    'store',
    'store_failed',
  ],
  [
    'store.head, of HEAD',
    (fault) => ({ store: storeWith({ head: fault }) }),
    { method: 'HEAD' },
    'store',
    'store_failed',
  ],
  ['audit', (fault) => ({ audit: fault }), {}, 'audit', 'audit_failed'],
]

test('the leaks that are looked for would be found', async () => {
  await using scene = await openScene()
  const answer = await scene.ask()
  expect(leaksIn(answer, scene)).toEqual([])
  const body = `${inspect(leak, { depth: null })} ${token}`
  expect(new Set(leaksIn({ ...answer, body }, scene))).toEqual(
    new Set([
      'account',
      'accessKeyId',
      'bucket',
      'host',
      'key',
      'region',
      'requestId',
      'signature',
      'token',
      'stack',
      'root',
      'path',
    ]),
  )
  scene.events.push({ type: 'trouble', port: 'store', code: token as 'store_cut', cause: leak })
  expect(new Set(leaksIn(answer, scene)).size).toBe(12)
})

describe.each(ports)('%s', (_, sceneOf, request, port, code) => {
  test.each(ways)('%s: 503, told once, nothing shown', async (_, fault) => {
    await using scene = await openScene({ verifier, ...sceneOf(fault) })
    const answer = await scene.ask({ ...request, headers: { ...byAnyone.headers, ...request.headers } })
    await scene.over(1)
    await settled()
    expect([answer.status, answer.field('www-authenticate')]).toEqual([503, undefined])
    expect(Number(answer.field('retry-after'))).toBeGreaterThanOrEqual(5)
    expect(scene.troubles()).toMatchObject([{ type: 'trouble', port, code }])
    expect(scene.ended()).toMatchObject([
      { outcome: 'refused', kind: 'unavailable', status: 503, type: 'request_ended' },
    ])
    expect(scene.ended()[0]?.requestId).toBe(answer.field('x-request-id'))
    expect(leaksIn(answer, scene)).toEqual([])
  })

  test('never answers: 503 in time, and the port is named', async () => {
    const never: Fault = () => new Promise(() => undefined)
    await using scene = await openScene({ verifier, ...sceneOf(never), delivery: { firstByteMs: 100 } })
    const answer = await scene.ask({ ...request, headers: { ...byAnyone.headers, ...request.headers } })
    await scene.over(1)
    expect(answer.status).toBe(503)
    expect(scene.troubles()).toMatchObject([{ port, code: `${port}_silent` }])
    expect(scene.ended()).toMatchObject([{ outcome: 'refused', kind: 'unavailable', status: 503 }])
  })

  test('the true cause is kept for the host, where no logger prints it unasked', async () => {
    await using scene = await openScene({ verifier, ...sceneOf(() => Promise.reject(leak)) })
    await scene.ask({ ...request, headers: { ...byAnyone.headers, ...request.headers } })
    await scene.over(1)
    for (const event of [...scene.ended(), ...scene.troubles()]) {
      expect(event.cause).toBe(leak)
      expect(Object.keys(event)).not.toContain('cause')
    }
  })
})

describe('the bytes of a store', () => {
  test.each(ways)('that %s before the first: 503', async (_, fault) => {
    await using scene = await openScene({ verifier, ...unreadable(fault) })
    const answer = await scene.ask(byAnyone)
    await scene.over(1)
    await settled()
    expect(answer.status).toBe(503)
    expect(scene.troubles()).toContainEqual(expect.objectContaining({ port: 'store', code: 'store_cut' }))
    expect(scene.ended()).toMatchObject([
      { outcome: 'refused', kind: 'unavailable', attempts: 2, type: 'request_ended' },
    ])
    expect(leaksIn(answer, scene)).toEqual([])
  })

  test('that never come: 503 in time', async () => {
    const never: Fault = () => new Promise(() => undefined)
    await using scene = await openScene({ ...unreadable(never), delivery: { firstByteMs: 100 } })
    expect((await scene.ask()).status).toBe(503)
    expect(scene.troubles()).toMatchObject([{ port: 'store', code: 'store_silent' }])
  })

  test('that fail in the middle: the connection is cut, and nothing is said', async () => {
    const length = 300_000
    const large = createMemoryStore({ 'acme/ready': 'x'.repeat(length) })
    const get = async (...asked: Parameters<typeof large.get>): Promise<OpenObject | undefined> => {
      const object = await large.get(...asked)
      async function* chunks(): AsyncGenerator<Uint8Array> {
        for await (const chunk of object?.chunks ?? []) {
          yield chunk
          throw leak
        }
      }
      return object && { ...object, chunks: chunks() }
    }
    await using scene = await openScene({
      verifier,
      store: { ...large, get },
      delivery: { resume: { attempts: 0 } },
    })
    const answer = await scene.ask(byAnyone)
    await scene.over(1)
    await settled()
    expect({ status: answer.status, whole: answer.whole }).toEqual({ status: 200, whole: false })
    expect(answer.body).toMatch(/^x*$/)
    expect(scene.ended()).toMatchObject([{ outcome: 'store_cut', status: 200, bytesPromised: length }])
    expect(leaksIn(answer, scene)).toEqual([])
  })
})
