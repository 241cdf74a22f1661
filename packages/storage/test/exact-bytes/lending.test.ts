import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { ExportStore } from '@sallyport/core'
import { createChaosStore, createMemoryStore, positionCoded } from '@sallyport/core/testing'
import { describe, expect, test } from 'vitest'

import { createFilesystemStore } from '../../src/filesystem.ts'
import { createReadAheadStore } from '../../src/read-ahead.ts'
import { temporaryFolder } from '../filesystem/temporary-folder.ts'
import { download } from './clients.ts'
import { guarded, key } from './guarded.ts'
import { watchedServer } from './outstanding.ts'

const size = 9_000_011
const whole = Buffer.from(positionCoded(size))

/** Overwrites each borrowed chunk as soon as the next is asked for. */
function scribbling(store: ExportStore): { store: ExportStore; borrowed: () => number } {
  let borrowed = 0
  return {
    borrowed: () => borrowed,
    store: {
      head: (...args) => store.head(...args),
      async get(name, options, signal) {
        const object = await store.get(name, options, signal)
        if (!object || options.borrow !== true) return object
        borrowed += 1
        const chunks = object.chunks[Symbol.asyncIterator]()
        let last: Uint8Array | undefined
        const next = async (): Promise<IteratorResult<Uint8Array>> => {
          last?.fill(0xa5)
          const step = await chunks.next()
          last = step.done === true ? undefined : step.value
          return step
        }
        return { ...object, chunks: { [Symbol.asyncIterator]: () => ({ next }) } }
      },
    },
  }
}

const stores: [string, () => Promise<ExportStore>][] = [
  ['memory', async () => createMemoryStore({ [key]: whole })],
  [
    'the disk',
    async () => {
      const root = await temporaryFolder()
      await writeFile(join(root, key), whole)
      return createFilesystemStore({ root })
    },
  ],
]
const faults = [0, 70_000, 1_000_000, 4_000_001, size - 1].map((atByte) => ({ does: 'cut' as const, atByte }))
const readAhead = (store: ExportStore): ExportStore =>
  createReadAheadStore(store, { parts: 3, partBytes: 1_000_000 })

describe.each(stores)('borrowed chunks of %s reach the client unchanged', (_, open) => {
  test.each<[string, (store: ExportStore) => ExportStore, boolean]>([
    ['straight', (store) => store, true],
    ['under resume', (store) => createChaosStore(store, { faults }), true],
    ['under read-ahead, which keeps chunks and so borrows none', readAhead, false],
    ['under read-ahead and resume', (store) => readAhead(createChaosStore(store, { faults })), false],
    ['under resume and read-ahead', (store) => createChaosStore(readAhead(store), { faults }), false],
  ])('%s', async (_, above, borrows) => {
    const { store, borrowed } = scribbling(await open())
    const guard = guarded(above(store))
    const { port } = await watchedServer(guard.listener, () => 0)
    const { status, bytes, complete } = await download(port)
    expect([status, complete, bytes.equals(whole)]).toEqual([200, true, true])
    const part = await download(port, { range: 'bytes=1234567-7654321' })
    expect([part.status, part.bytes.equals(whole.subarray(1_234_567, 7_654_322))]).toEqual([206, true])
    expect(borrowed() > 0).toBe(borrows)
  })
})
