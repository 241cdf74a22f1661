import type { ExportStore, GetOptions, ObjectInfo, OpenObject } from '../../src/ports.ts'

/** A store that keeps count of what is asked of it, and of what it gave and has not been given back. */
export interface CountingStore extends ExportStore {
  readonly heads: () => number
  readonly gets: () => number
  /** What each `get` was asked for. */
  readonly asked: readonly GetOptions[]
  /** Objects that are open now. */
  readonly open: () => number
}

/** @param describe - what the store is made to say of its objects */
export function counting(
  store: ExportStore,
  describe: (info: ObjectInfo) => ObjectInfo = (info) => info,
): CountingStore {
  const asked: GetOptions[] = []
  const open = new Set<OpenObject>()
  let heads = 0
  return {
    heads: () => heads,
    gets: () => asked.length,
    asked,
    open: () => open.size,
    async head(key, signal) {
      heads += 1
      const info = await store.head(key, signal)
      return info && describe(info)
    },
    async get(key, options, signal) {
      asked.push(options)
      const { ifMatch, ...rest } = options
      const info = ifMatch === undefined ? undefined : await store.head(key, signal)
      const pin = info && { ifMatch: ifMatch === describe(info).validator ? info.validator : 'another' }
      const object = await store.get(key, { ...rest, ...pin }, signal)
      if (!object) return undefined
      const counted: OpenObject = {
        info: describe(object.info),
        chunks: object.chunks,
        close: () => {
          object.close()
          open.delete(counted)
        },
      }
      open.add(counted)
      return counted
    },
  }
}
