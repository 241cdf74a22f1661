import { expect, test } from 'vitest'

import type { ExportStore } from '../../src/ports.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import { key, openGuard, path, until } from './guard.ts'
import { serve } from './server.ts'

const size = 400_000

test('of thirty downloads that one outage cuts, ten open again within ten seconds, and the rest end as cut', async () => {
  const memory = createMemoryStore({ [key]: positionCoded(size) })
  let opens = 0
  let reopens = 0
  let all = (): void => undefined
  const allOpen = new Promise<void>((resolve) => (all = resolve))
  const store: ExportStore = {
    head: (name, signal) => memory.head(name, signal),
    get: async (name, options, signal) => {
      if (options.range) reopens += 1
      else if (++opens === 30) all()
      const object = await memory.get(name, options, signal)
      return (
        object && (options.range ? object : { ...object, chunks: cutInOneInstant(object.chunks, allOpen) })
      )
    },
  }
  const { handler, ended } = openGuard(store, {
    delivery: { resume: { withinMs: 1_000 } },
    limits: { concurrent: { perPrincipal: 30 } },
  })
  const server = await serve(handler)
  const downloads = Array.from({ length: 30 }, async () => {
    const response = await fetch(`${server.url}${path}`, { headers: { authorization: 'Bearer token' } })
    return response.arrayBuffer().then(
      (body) => body.byteLength,
      () => 'cut',
    )
  })
  const seen = await Promise.all(downloads)
  await until(() => ended().length === 30)
  await server.close()

  expect(reopens).toBe(10)
  expect(seen.filter((length) => length === size)).toHaveLength(10)
  expect(seen.filter((length) => length === 'cut')).toHaveLength(20)
  expect(ended().filter(({ outcome }) => outcome === 'store_cut')).toHaveLength(20)
})

/** One chunk, and then nothing until all have come so far; then a reset for all. */
async function* cutInOneInstant(
  chunks: AsyncIterable<Uint8Array>,
  instant: Promise<void>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    yield chunk.subarray(0, 1_000)
    await instant
    throw new Error('ECONNRESET')
  }
}
