import type { ExportStore, OpenObject } from '../ports.ts'
import { refuse } from '../refusals.ts'
import { createChaosStore } from './chaos-store.ts'
import { createMemoryStore } from './memory-store.ts'
import type { PortWatch } from './port-watch.ts'
import { positionCoded } from './position-coded.ts'

/** The bytes of `whole`: several chunks. */
export const wholeBytes: Uint8Array = positionCoded(200_003)

/** Bytes of `large`: more than the socket buffers hold. */
const largeSize = 16_777_216

/** The position at which every read of `cut` fails. */
export const cutAt = 131_072

/** A store whose keys name its behaviour. */
export function createAdapterStore(watch: PortWatch): ExportStore {
  const memory = knownObjects()
  const chaos = createChaosStore(memory, { faults: [{ does: 'cut', atByte: cutAt, times: 1_000 }] })
  const behind = (key: string): ExportStore => {
    if (key === 'wrong') refuse('upstream_error')
    if (key === 'silent') refuse('unavailable', { retryAfterMs: 7_000 })
    return key === 'cut' ? chaos : memory
  }
  return {
    head: (key, signal) => watch.call('head', signal, () => behind(key).head(key, signal)),
    get: (key, options, signal) =>
      watch.call('get', signal, async () => {
        const object = await behind(key).get(key, options, signal)
        return object && watchedObject(object, watch)
      }),
  }
}

let made: ExportStore | undefined

/** Shared by all handlers, because it never changes. */
const knownObjects = (): ExportStore =>
  (made ??= createMemoryStore({
    whole: wholeBytes,
    cut: wholeBytes,
    large: new Uint8Array(largeSize),
    empty: '',
  }))

function watchedObject(object: OpenObject, watch: PortWatch): OpenObject {
  const release = watch.hold()
  const closing = new AbortController()
  async function* read(): AsyncGenerator<Uint8Array> {
    let stage: 'first chunk' | 'later chunk' = 'first chunk'
    const source = object.chunks[Symbol.asyncIterator]()
    for (;;) {
      const step = await watch.call(stage, closing.signal, () => source.next())
      if (step.done === true) return
      yield step.value
      stage = 'later chunk'
    }
  }
  return {
    info: object.info,
    chunks: read(),
    close: () => {
      closing.abort()
      object.close()
      release()
    },
  }
}
