import type { OpenObject } from '../ports.ts'
import { objectChunks } from './object-chunks.ts'
import type { StoreFloor } from './store-floor.ts'

/** The chunks of an open object, as `objectChunks` waits for them. The object is closed at the end, however it comes. */
export async function* readObject(
  object: OpenObject,
  floor: StoreFloor,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = objectChunks(object, floor, signal)
  try {
    for (;;) {
      const step = await chunks.next()
      if (step.done === true) return
      yield step.value
    }
  } finally {
    chunks.close()
  }
}
