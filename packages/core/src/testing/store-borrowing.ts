import type { OpenObject } from '../ports.ts'
import { positionCoded } from './position-coded.ts'
import { opened, readAll, sameBytes, soon, type StoreCase } from './store-scene.ts'

const SIZE = 1_048_583

/** Cases about the memory of chunks. */
export const borrowing: readonly StoreCase[] = [
  {
    title:
      'with borrow each chunk is valid until the next one is requested, and the reader may write into it',
    async run(scene) {
      await scene.put(positionCoded(SIZE))
      await overwriteEachChunk(await opened(scene, { borrow: true }))
      sameBytes(await readAll(await opened(scene)), positionCoded(SIZE), 'the whole, for the next reader')
    },
  },
  {
    title: 'without borrow the reader may keep chunks',
    async run(scene) {
      await scene.put(positionCoded(SIZE))
      const object = await opened(scene)
      const kept: Uint8Array[] = []
      for await (const chunk of object.chunks) kept.push(chunk)
      object.close()
      sameBytes(Buffer.concat(kept), positionCoded(SIZE), 'the kept chunks')
    },
  },
  {
    title: 'without borrow a reader that writes into its chunks does not affect another read',
    async run(scene) {
      await scene.put(positionCoded(SIZE))
      await overwriteEachChunk(await opened(scene))
      sameBytes(await readAll(await opened(scene)), positionCoded(SIZE), 'the whole, for the next reader')
    },
  },
  {
    title: 'borrowers that read at the same time do not share memory',
    async run(scene) {
      await scene.put(positionCoded(SIZE))
      const objects = await Promise.all([0, 1, 2, 3].map(() => opened(scene, { borrow: true })))
      await Promise.all(objects.map(overwriteEachChunk))
    },
  },
  {
    title: 'a closed download does not share memory with the next one',
    async run(scene) {
      await scene.put(positionCoded(SIZE))
      const half = await opened(scene, { borrow: true })
      const step = await soon(half.chunks[Symbol.asyncIterator]().next(), 'a chunk')
      half.close()
      const next = await opened(scene, { borrow: true })
      if (step.done !== true) step.value.fill(0xff)
      await overwriteEachChunk(next)
    },
  },
]

/** Compares each chunk, and overwrites it before it requests the next one. */
async function overwriteEachChunk(object: OpenObject): Promise<void> {
  const expected = positionCoded(SIZE)
  let at = 0
  for await (const chunk of object.chunks) {
    sameBytes(chunk, expected.subarray(at, at + chunk.length), `the chunk at byte ${at}`)
    at += chunk.length
    chunk.fill(0xff)
  }
  object.close()
  sameBytes(expected.subarray(0, at), expected, 'all chunks together')
}
