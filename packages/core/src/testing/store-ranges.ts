import { equal } from 'node:assert/strict'

import type { ByteRange } from '../ports.ts'
import { positionCoded } from './position-coded.ts'
import { opened, readAll, refused, sameBytes, type Scene, type StoreCase } from './store-scene.ts'

const SIZE = 300_001
const END = SIZE - 1

const inside: readonly (ByteRange & { readonly what: string })[] = [
  { what: 'the first byte', first: 0, last: 0 },
  { what: 'the last byte', first: END, last: END },
  { what: 'one byte inside', first: 123_457, last: 123_457 },
  { what: 'the middle', first: 65_535, last: 196_608 },
  { what: 'from a byte on', first: 131_071, last: END },
  { what: 'up to a byte', first: 0, last: 65_536 },
  { what: 'the whole', first: 0, last: END },
]

const beyond: readonly (ByteRange & { readonly what: string })[] = [
  { what: 'past the end', first: SIZE, last: SIZE + 9 },
  { what: 'over the end', first: END, last: SIZE },
]

/** Cases of ranges. Their first and last byte are included. */
export const ranges: readonly StoreCase[] = [
  ...inside.map(({ what, first, last }) => ({
    title: `a range gives exactly its bytes: ${what}`,
    run: (scene: Scene) => rangeIsExact(scene, { first, last }),
  })),
  {
    title: 'a range of an object of one byte is that byte',
    async run(scene) {
      await scene.put(positionCoded(1))
      sameBytes(
        await readAll(await opened(scene, { range: { first: 0, last: 0 } })),
        positionCoded(1),
        'the byte',
      )
    },
  },
  ...beyond.map(({ what, first, last }) => ({
    title: `a range ${what} is refused or fails`,
    async run(scene: Scene) {
      await scene.put(positionCoded(SIZE))
      await refused(
        opened(scene, { range: { first, last } }).then(readAll),
        'upstream_error',
        'object_changed',
      )
    },
  })),
]

async function rangeIsExact(scene: Scene, range: ByteRange): Promise<void> {
  const whole = positionCoded(SIZE)
  await scene.put(whole)
  const object = await opened(scene, { range })
  equal(object.info.size, SIZE, 'size is that of the whole')
  sameBytes(await readAll(object), whole.subarray(range.first, range.last + 1), 'the range')
}
