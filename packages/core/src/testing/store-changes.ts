import { fail } from 'node:assert/strict'

import type { GetOptions } from '../ports.ts'
import { positionCoded } from './position-coded.ts'
import {
  deadline,
  opened,
  plainRefusal,
  readAll,
  readOn,
  refused,
  sameBytes,
  type Scene,
  soon,
  type StoreCase,
} from './store-scene.ts'

const SIZE = 3_145_733
const RANGE = { first: 70_000, last: 80_000 }

const duringRead: readonly { readonly what: string; readonly change: (scene: Scene) => Promise<void> }[] = [
  { what: 'overwritten by as many bytes', change: ({ put }) => put(positionCoded(SIZE, 2)) },
  { what: 'overwritten by fewer bytes', change: ({ put }) => put(positionCoded(1_000_000, 2)) },
  { what: 'overwritten by more bytes', change: ({ put }) => put(positionCoded(SIZE + 1_000_000, 2)) },
  { what: 'deleted', change: ({ remove }) => remove() },
]

/** Cases of objects that change between two calls or during a read. */
export const changes: readonly StoreCase[] = [
  {
    title: 'a matching pin opens the whole object and a range',
    async run(scene) {
      await scene.put(positionCoded(SIZE))
      const ifMatch = await validatorOf(scene)
      sameBytes(await readAll(await opened(scene, { ifMatch })), positionCoded(SIZE), 'the whole')
      const part = positionCoded(SIZE).subarray(RANGE.first, RANGE.last + 1)
      sameBytes(await readAll(await opened(scene, { ifMatch, range: RANGE })), part, 'the range')
    },
  },
  {
    title: 'a pin of another object is refused',
    async run(scene) {
      await scene.put(positionCoded(1_000, 1))
      const ifMatch = await validatorOf(scene)
      await scene.put(positionCoded(1_000, 2))
      await refusesPin(scene, { ifMatch })
      await refusesPin(scene, { ifMatch, range: { first: 999, last: 999 } })
      sameBytes(await readAll(await opened(scene)), positionCoded(1_000, 2), 'the new object')
    },
  },
  {
    title: 'a pin of another object is refused before its range is checked',
    async run(scene) {
      await scene.put(positionCoded(1_000, 1))
      const ifMatch = await validatorOf(scene)
      await scene.put(positionCoded(10, 2))
      await refusesPin(scene, { ifMatch, range: { first: 500, last: 999 } })
    },
  },
  ...duringRead.map(({ what, change }) => ({
    title: `an object ${what} during a read gives its old bytes or fails`,
    run: (scene: Scene) => keepsItsBytes(scene, change),
  })),
]

const refusesPin = (scene: Scene, options: GetOptions): Promise<void> =>
  refused(opened(scene, options), 'object_changed')

const validatorOf = async ({ store, key }: Scene): Promise<string> =>
  (await soon(store.head(key, deadline()), 'head'))?.validator ?? fail('head found no object')

async function keepsItsBytes(scene: Scene, change: (scene: Scene) => Promise<void>): Promise<void> {
  const before = positionCoded(SIZE, 1)
  await scene.put(before)
  const object = await opened(scene)
  const chunks = object.chunks[Symbol.asyncIterator]()
  try {
    const first = await soon(chunks.next(), 'the first chunk')
    const firstBytes = Uint8Array.from(first.done === true ? [] : first.value)
    await change(scene)
    const rest = await readOn(chunks).catch(plainRefusal)
    sameBytes(rest ? Buffer.concat([firstBytes, rest]) : before, before, 'a download that ended well')
  } finally {
    object.close()
  }
}
