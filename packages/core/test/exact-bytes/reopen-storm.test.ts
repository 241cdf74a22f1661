import { describe, expect, test } from 'vitest'

import type { ExportStore, OpenObject } from '../../src/ports.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import { key, openGuard, path, until } from './guard.ts'
import { serve } from './server.ts'

const bytes = positionCoded(200_000)
const downloads = 500

/** Cuts every download in one instant, each at another byte, as soon as all have begun. */
function cutAllAtOnce(
  all: number,
  reopened: (open: () => Promise<OpenObject | undefined>) => Promise<OpenObject | undefined>,
): { readonly store: ExportStore; readonly reopens: readonly number[] } {
  const memory = createMemoryStore({ [key]: bytes })
  const begun = Promise.withResolvers<void>()
  const reopens: number[] = []
  let opens = 0
  async function* cut(
    chunks: AsyncIterable<Uint8Array>,
    length: number,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of chunks) {
      yield chunk.subarray(0, length)
      await begun.promise
      throw new Error('ECONNRESET')
    }
  }
  const store: ExportStore = {
    head: (name, signal) => memory.head(name, signal),
    get: async (name, options, signal) => {
      if (options.range) {
        reopens.push(performance.now())
        return reopened(() => memory.get(name, options, signal))
      }
      opens += 1
      if (opens === all) begun.resolve()
      const object = await memory.get(name, options, signal)
      return object && { ...object, chunks: cut(object.chunks, 1_000 + 100 * opens) }
    },
  }
  return { store, reopens }
}

/** The largest number of times in any second, but for the 10 ms by which a busy event loop may shift them. */
const mostPerSecond = (times: readonly number[]): number =>
  Math.max(...times.map((at, n) => times.slice(n).filter((other) => other < at + 990).length))

/** `'exact'`, or how the download failed. */
async function download(url: string): Promise<string> {
  try {
    const response = await fetch(url, { headers: { authorization: 'Bearer token' } })
    return Buffer.from(bytes).equals(Buffer.from(await response.arrayBuffer())) ? 'exact' : 'wrong bytes'
  } catch {
    return 'cut'
  }
}

describe('an outage that cuts every download in one instant', () => {
  test('is survived by all 500, which reopen at a fifth of them per second', async () => {
    const { store, reopens } = cutAllAtOnce(downloads, (open) => open())
    const { handler, ended, troubles } = openGuard(store)
    const server = await serve(handler)
    const seen = await Promise.all(Array.from({ length: downloads }, () => download(`${server.url}${path}`)))
    await until(() => ended().length === downloads)
    await server.close()

    expect(seen.filter((result) => result === 'exact')).toHaveLength(downloads)
    expect(ended().filter(({ outcome, attempts }) => outcome === 'completed' && attempts === 2)).toHaveLength(
      downloads,
    )
    expect(reopens).toHaveLength(downloads)
    expect(mostPerSecond(reopens)).toBeLessThanOrEqual(downloads / 5)
    expect(troubles().filter(({ code }) => code === 'store_cut')).toHaveLength(downloads)
  }, 20_000)

  test('does not send more requests to a store that stays away, until the time limit', async () => {
    const away = async (): Promise<never> => {
      throw new Error('ECONNREFUSED')
    }
    const { store, reopens } = cutAllAtOnce(100, away)
    const { handler, ended, troubles } = openGuard(store, { delivery: { resume: { withinMs: 2_500 } } })
    const server = await serve(handler)
    const seen = await Promise.all(Array.from({ length: 100 }, () => download(`${server.url}${path}`)))
    await until(() => ended().length === 100)
    await server.close()

    expect(new Set(seen)).toEqual(new Set(['cut']))
    expect(ended().filter(({ outcome }) => outcome === 'store_cut')).toHaveLength(100)
    expect(troubles().map(({ code }) => code)).toEqual(Array.from({ length: 100 }, () => 'store_cut'))
    expect(mostPerSecond(reopens)).toBeLessThanOrEqual(20)
    expect(reopens.length).toBeGreaterThan(30)
  }, 20_000)
})
