import { createHash } from 'node:crypto'
import { request } from 'node:http'

import { expect, test } from 'vitest'

import type { ExportStore } from '../../src/ports.ts'
import { createChaosStore } from '../../src/testing/chaos-store.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import type { Ended } from '../handler/scene.ts'
import { exportId, key, openGuard, path, until } from './guard.ts'
import { serve } from './server.ts'

/** A long export meets its faults on the way; a tiny one meets them before the head. */
const sizes = [400_000, 1]
const digests = sizes.map((size) => createHash('sha256').update(positionCoded(size)).digest('hex'))
const delivery = { storeSilenceMs: 100, firstByteMs: 2_000, resume: { attempts: 5, withinMs: 3_000 } }

/** What a client saw: a whole answer, or a connection that broke. */
interface Seen {
  readonly status: number
  readonly sha256?: string
  readonly broke: boolean
}

const download = (url: string): Promise<Seen> =>
  new Promise((resolve) => {
    const hash = createHash('sha256')
    let status = 0
    let settled = false
    const settle = (seen: Seen): void => {
      if (!settled) resolve(seen)
      settled = true
    }
    const client = request(
      `${url}${path}`,
      { headers: { authorization: 'Bearer token' }, agent: false },
      (response) => {
        status = response.statusCode ?? 0
        response.on('data', (chunk: Buffer) => hash.update(chunk))
        response.on('end', () => settle({ status, sha256: hash.digest('hex'), broke: false }))
        response.on('error', () => settle({ status, broke: true }))
      },
    )
    client.on('error', () => settle({ status, broke: true }))
    client.end()
  })

test(
  '1,000 seeded runs of chaos: exact, or visibly broken, and never hung',
  { timeout: 240_000 },
  async () => {
    const memories = sizes.map((size) => createMemoryStore({ [key]: positionCoded(size) }))
    const kinds = new Map<string, number>()
    const outcomes = new Map<string, number>()
    const run = async (seed: number): Promise<void> => {
      const length = seed % 4 === 0 ? 1 : 0
      const [size, digest, memory] = [sizes[length], digests[length], memories[length]]
      if (!memory) throw new Error('no such length')
      const chaos = createChaosStore(memory, { seed })
      const { handler, ended } = openGuard(chaos, { delivery })
      const server = await serve(handler)
      const seen = await download(server.url)
      await until(() => ended().length === 1)
      const [end] = ended() as [Ended]
      const completed = end.outcome === 'completed'
      const fits = chaos.fired.every(
        ({ does, times, atByte }) => heals(does) && times === 1 && atByte < (size ?? 0),
      )
      for (const { does } of chaos.fired) kinds.set(does, (kinds.get(does) ?? 0) + 1)
      outcomes.set(end.outcome, (outcomes.get(end.outcome) ?? 0) + 1)
      // One line a run, so that a failure names its seed.
      expect({
        seed,
        outcome: end.outcome,
        exact: seen.sha256 === digest && seen.status === 200,
        broke: seen.broke,
        refused: seen.status >= 500,
      }).toEqual({
        seed,
        outcome: end.outcome,
        exact: completed,
        broke: !completed && end.outcome !== 'refused',
        refused: end.outcome === 'refused',
      })
      expect({ seed, completed: completed || !fits }).toEqual({ seed, completed: true })
      expect({ seed, sent: completed ? end.bytesSent : 0 }).toEqual({ seed, sent: completed ? size : 0 })
      await server.close()
    }
    const seeds = Array.from({ length: 1_000 }, (_, seed) => seed)
    const worker = async (): Promise<void> => {
      for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) await run(seed)
    }
    await Promise.all(Array.from({ length: 40 }, worker))
    expect([...kinds.keys()].toSorted()).toEqual([
      'change',
      'cut',
      'overrun',
      'short',
      'slow',
      'stall',
      'throw',
    ])
    for (const outcome of [
      'completed',
      'store_cut',
      'store_stalled',
      'object_changed',
      'store_overran',
      'refused',
    ]) {
      expect({ outcome, often: (outcomes.get(outcome) ?? 0) >= 20 }).toEqual({ outcome, often: true })
    }
  },
)

/** Whether re-opening can make up for it. After the last byte nothing can: there a fault is a verdict. */
const heals = (does: string): boolean => ['cut', 'stall', 'short', 'slow', 'throw'].includes(does)

test('a store without faults is opened once', async () => {
  const [size = 0] = sizes
  const bytes = positionCoded(size)
  const stores: ExportStore[] = [
    createMemoryStore({ [key]: bytes }),
    createChaosStore(createMemoryStore({ [key]: bytes }), { faults: [] }),
  ]
  for (const store of stores) {
    const { handler, ended } = openGuard(store)
    const server = await serve(handler)
    expect(await download(server.url)).toEqual({ status: 200, sha256: digests[0], broke: false })
    await until(() => ended().length === 1)
    expect(ended()[0]).toMatchObject({ outcome: 'completed', attempts: 1, bytesSent: size, exportId })
    await server.close()
  }
})
