import { deepEqual, equal, fail, notEqual, ok } from 'node:assert/strict'

import type { ObjectInfo } from '../ports.ts'
import { refusalDetail } from '../refusals.ts'
import { positionCoded } from './position-coded.ts'
import { deadline, opened, readAll, sameBytes, type Scene, soon, type StoreCase } from './store-scene.ts'

const described = async ({ store, key }: Scene): Promise<ObjectInfo> =>
  (await soon(store.head(key, deadline()), 'head')) ?? fail('head found no object')

/** Cases of the results of head and get, for existing and missing objects. */
export const descriptions: readonly StoreCase[] = [
  {
    title: 'head and get describe an object equally, every time',
    async run(scene) {
      await scene.put(positionCoded(1_000))
      const first = await described(scene)
      const object = await opened(scene)
      object.close()
      equal(first.size, 1_000)
      deepEqual(object.info, first)
      deepEqual(await described(scene), first)
    },
  },
  {
    title: 'a validator is not empty, and every overwrite changes it',
    async run(scene) {
      const seen = new Set<string>()
      for (const [bytes, what] of [
        [positionCoded(1_000, 1), 'the first'],
        [positionCoded(1_000, 2), 'other bytes of the same size'],
        [positionCoded(999, 2), 'a shorter one'],
      ] as const) {
        await scene.put(bytes)
        const { validator } = await described(scene)
        notEqual(validator, '')
        ok(!seen.has(validator), `${what} has a validator of its own`)
        seen.add(validator)
      }
    },
  },
  ...[1, 65_535, 65_536, 65_537, 1_048_579].map((size) => ({
    title: `an object of ${size} bytes is read completely and exactly`,
    async run(scene: Scene) {
      await scene.put(positionCoded(size))
      const object = await opened(scene)
      equal(object.info.size, size)
      sameBytes(await readAll(object), positionCoded(size), 'the whole')
    },
  })),
  {
    title: 'an empty object exists, and has no chunk',
    async run(scene) {
      await scene.put(new Uint8Array())
      equal((await described(scene)).size, 0)
      const object = await opened(scene)
      equal(object.info.size, 0)
      equal((await readAll(object)).length, 0)
    },
  },
  {
    title: 'a missing object is undefined: never stored, removed, or below an object',
    async run({ store, key, put, remove }) {
      const absent = async (name: string): Promise<void> => {
        equal(await soon(store.head(name, deadline()), 'head'), undefined)
        equal(await soon(store.get(name, {}, deadline()), 'get'), undefined)
        equal(await soon(store.get(name, { range: { first: 0, last: 0 } }, deadline()), 'get'), undefined)
      }
      await absent(key)
      await put(positionCoded(10))
      await absent(`${key}.other`)
      await absent(`${key}/below`)
      await remove()
      await absent(key)
    },
  },
  {
    title: 'no other spelling of a key reaches the object, and no key leaves the store',
    async run({ store, folder, key, put }) {
      await put(positionCoded(10))
      for (const spelling of spellings(folder, key)) {
        // One after the other: a rejection without a listener would be unhandled.
        const calls: (() => Promise<unknown>)[] = [
          () => store.head(spelling, deadline()),
          () => store.get(spelling, {}, deadline()),
        ]
        for (const call of calls) {
          const found = await soon(call(), 'a hostile key').catch(
            (error: unknown) => refusalDetail(error)?.kind,
          )
          ok(
            found === undefined || found === 'upstream_error',
            `no object has the key ${JSON.stringify(spelling)}`,
          )
        }
      }
    },
  },
]

const spellings = (folder: string, key: string): readonly string[] => [
  '',
  '.',
  '..',
  '/',
  folder,
  `${folder}/`,
  `/${key}`,
  `//${key}`,
  `./${key}`,
  `${key}/`,
  `${key}/.`,
  `${key}/..`,
  `${key}\0`,
  `${key}\0.jsonl`,
  `../${key}`,
  `../../../../../../../../etc/passwd`,
  '/etc/passwd',
  'file:///etc/passwd',
  `${folder}/../${key}`,
  `${folder}/./object.bin`,
  `${folder}//object.bin`,
  String.raw`${folder}\object.bin`,
  String.raw`..\${key}`,
  `${folder}%2Fobject.bin`,
  `%2e%2e/${key}`,
  `${key}?versionId=null`,
  `${key}#`,
  `${key} `,
  `${key}\ud800`,
  key.toUpperCase(),
  `${folder}/${'x'.repeat(1_024)}`,
  `${folder}/${'../'.repeat(200)}etc/passwd`,
]
