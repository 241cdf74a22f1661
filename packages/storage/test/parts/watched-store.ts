import type { ExportStore, GetOptions, OpenObject } from '@sallyport/core'

/** A store that counts what is asked of another one. */
export interface WatchedStore extends ExportStore {
  /** The keys of all `head`s and `get`s, in order. */
  readonly heads: string[]
  readonly gets: (GetOptions & { readonly key: string })[]
  /** Objects that are open now. */
  open(): number
  /** The most objects that were open or being opened at a time, and `head`s that waited at a time. */
  mostOpen(): number
  mostHeads(): number
  /** Objects that were opened, and calls of their `close`. */
  opens(): number
  closes(): number
  /** Bytes that were read of an object, over all opens. */
  read(key: string): number
}

export function watchedStore(store: ExportStore): WatchedStore {
  const heads: string[] = []
  const gets: (GetOptions & { readonly key: string })[] = []
  const read = new Map<string, number>()
  const open = new Set<object>()
  let getsNow = 0
  let mostOpen = 0
  let opens = 0
  let closes = 0
  let headsNow = 0
  let mostHeads = 0
  const watch = (key: string, object: OpenObject): OpenObject => {
    open.add(object)
    opens += 1
    return {
      info: object.info,
      chunks: (async function* () {
        for await (const chunk of object.chunks) {
          read.set(key, (read.get(key) ?? 0) + chunk.length)
          yield chunk
        }
      })(),
      close: () => {
        closes += 1
        open.delete(object)
        object.close()
      },
    }
  }
  return {
    ...store,
    heads,
    gets,
    open: () => open.size,
    mostOpen: () => mostOpen,
    opens: () => opens,
    closes: () => closes,
    mostHeads: () => mostHeads,
    read: (key) => read.get(key) ?? 0,
    head: async (key, signal) => {
      heads.push(key)
      headsNow += 1
      mostHeads = Math.max(mostHeads, headsNow)
      await new Promise((resolve) => setImmediate(resolve))
      return store.head(key, signal).finally(() => (headsNow -= 1))
    },
    get: async (key, options, signal) => {
      gets.push({ key, ...options })
      getsNow += 1
      mostOpen = Math.max(mostOpen, open.size + getsNow)
      const object = await store.get(key, options, signal).finally(() => (getsNow -= 1))
      return object && watch(key, object)
    },
  }
}
