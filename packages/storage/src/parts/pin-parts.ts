import { type ExportStore, refuse } from '@sallyport/core'

import { arePinned, type CheckedPart, type PinnedPart } from './part.ts'

const AT_ONCE = 8

/**
 * Gives every part its validator. Calls `head` for the parts that have none, at most 8 at a time.
 *
 * @returns `undefined` if an object does not exist
 * @throws `'object_changed'` if an object has another size than its part; a refusal of the store; the reason of `signal`
 */
export async function pinParts(
  store: ExportStore,
  parts: readonly CheckedPart[],
  signal: AbortSignal,
): Promise<readonly PinnedPart[] | undefined> {
  if (arePinned(parts)) return parts
  const pinned: PinnedPart[] = []
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const queue = parts.entries()
  let isMissing = false
  const work = async (): Promise<void> => {
    for (const [nth, part] of queue) {
      const validator = part.validator ?? (await validatorOf(store, part, either))
      isMissing ||= validator === undefined
      if (isMissing || validator === undefined) return
      pinned[nth] = { ...part, validator }
    }
  }
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  } finally {
    stop.abort() // the other calls, if one has failed
  }
  return isMissing ? undefined : pinned
}

async function validatorOf(
  store: ExportStore,
  { key, size }: CheckedPart,
  signal: AbortSignal,
): Promise<string | undefined> {
  const info = await store.head(key, signal)
  if (info && info.size !== size)
    return refuse('object_changed', {
      cause: new Error(`the part '${key}' must have ${size} bytes; its object has ${info.size}`),
      trouble: 'object_changed',
    })
  return info?.validator
}
