import { describe, expect, test } from 'vitest'

import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { byAnyone, leak, leaksIn, settled, storeWith, verifier, watchProcess, ways } from './leaks.ts'
import { content, ids, openScene, pathOf, readyRecord, type SceneOptions } from './scene.ts'

watchProcess()

const broken = (): never => {
  throw leak
}

describe('what the host built around it', () => {
  test.each(ways)('an onEvent that %s harms no download', async (_, fault) => {
    await using scene = await openScene({ verifier, onEvent: (): unknown => fault() })
    const answer = await scene.ask(byAnyone)
    await scene.over(1)
    await settled()
    expect(answer).toMatchObject({ status: 200, body: content })
    expect(scene.events.map(({ type }) => type)).toEqual(['download_started', 'download_ended'])
  })

  test.each([
    ['throws', ways[1]?.[1]],
    ['answers later', ways[0]?.[1]],
    ['gives nothing', () => undefined],
    ['gives a status that says yes', () => ({ status: 200, contentType: 'text/plain', body: '' })],
    ['gives a field that is two', () => ({ status: 404, contentType: 'text/plain\r\nX-Evil: 1', body: '' })],
    ['gives no text', () => ({ status: 404, contentType: 'text/plain', body: { secret: 1 } })],
  ])('an error format that %s is a plain 500', async (_, errors) => {
    await using scene = await openScene({ verifier, versions: { v1: { errors: errors as never } } })
    const answer = await scene.ask({ ...byAnyone, path: pathOf(ids.missing) })
    await scene.over(1)
    await settled()
    expect(answer).toMatchObject({ status: 500, body: 'Internal Server Error', whole: true })
    expect(answer.field('content-type')).toBe('text/plain; charset=utf-8')
    expect(answer.field('cache-control')).toBe('no-store')
    expect(answer.field('x-evil')).toBeUndefined()
    expect(scene.ended()).toMatchObject([{ outcome: 'failed', kind: 'internal', status: 500 }])
    expect(leaksIn(answer, scene)).toEqual([])
  })

  test.each<[string, SceneOptions, number, string]>([
    ['a store function', { store: broken }, 503, 'unavailable'],
    ['a quota function', { limits: { perPrincipal: broken } }, 503, 'unavailable'],
    ['a clock', { now: broken }, 500, 'internal'],
    [
      'a record that throws when it is looked at',
      {
        findExport: async () => ({
          ...readyRecord,
          get key(): string {
            return broken()
          },
        }),
      },
      500,
      'internal',
    ],
  ])('%s that throws: %d', async (_, changes, status, kind) => {
    await using scene = await openScene({ verifier, ...changes })
    const answer = await scene.ask(byAnyone)
    await scene.over(1)
    await settled()
    expect(answer.status).toBe(status)
    expect(scene.ended()).toMatchObject([{ kind, status }])
    expect(leaksIn(answer, scene)).toEqual([])
  })

  test('what will not be let go holds nothing else', async () => {
    const released: string[] = []
    const memory = createMemoryStore({ 'acme/ready': content })
    const store = storeWith({
      get: async (...asked) => {
        const object = await memory.get(...asked)
        return object && { ...object, close: broken }
      },
    })
    const limiter = {
      admit: async () =>
        ({
          admitted: true,
          left: [],
          release: () => void released.push('place'),
          refund: () => undefined,
        }) as const,
    }
    await using scene = await openScene({ verifier, store, limits: { limiter } })
    const answer = await scene.ask({ ...byAnyone, method: 'HEAD' })
    await scene.ask(byAnyone)
    await scene.over(2)
    await settled()
    expect(answer.status).toBe(200)
    expect(scene.ended()).toHaveLength(2)
    expect(released).toEqual(['place', 'place'])
  })
})
