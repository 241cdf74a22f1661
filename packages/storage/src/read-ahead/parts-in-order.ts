import { type ByteRange, type ExportStore, type OpenObject, refuse } from '@sallyport/core'

import type { MemoryBudget } from '../memory-budget.ts'
import { fetchedPart, type FetchedPart } from './fetched-part.ts'

/** How far ahead. */
export interface Reach {
  readonly parts: number
  readonly partBytes: number
}

/** A download in parts, the first of which is open. */
export interface Begun {
  readonly store: ExportStore
  readonly key: string
  readonly object: OpenObject
  /** Absent: the whole was asked for, and the open object is the whole. */
  readonly range: ByteRange | undefined
  readonly budget: MemoryBudget
  /** Gives the first part's share of the budget back. */
  readonly give: () => void
}

/** The object, its bytes fetched in parts and handed on in order. */
export function inParts(begun: Begun, { parts, partBytes }: Reach): OpenObject {
  const { object, range, budget, give } = begun
  const { info } = object
  const span = range ?? { first: 0, last: info.size - 1 }
  // A plain first answer goes on behind its part. What the network holds of it when it is closed was fetched as well:
  // a quarter of a part is kept for it. More would make later parts wait for one another.
  const reserve = range ? 0 : Math.ceil(partBytes / 4)
  const firstLength = parts === 1 ? partBytes : partBytes - reserve
  const queue: FetchedPart[] = [
    fetchedPart({
      open: () => Promise.resolve(object),
      length: firstLength,
      afterwards: range ? 'over' : 'closed',
      goesTo: 'memory',
      onClose: give,
    }),
  ]
  let next = span.first + firstLength
  let delivered = span.first
  let closed = false

  /** Begins the next parts, as far as reader, count and budget allow. */
  const fill = (): void => {
    if (closed) return
    while (next <= span.last && queue.length < parts) {
      const part = { first: next, last: Math.min(next + partBytes - 1, span.last) }
      const tooFar = part.last + 1 - delivered > parts * partBytes - reserve
      if (queue.length > 0 && tooFar) return
      const ahead = budget.take(partBytes)
      if (queue.length > 0 && !ahead) return
      const fetched = fetchedPart({
        open: (signal) => openPart(begun, part, signal),
        length: part.last - part.first + 1,
        afterwards: 'over',
        goesTo: ahead ? 'memory' : 'reader',
        onClose: () => ahead && budget.give(partBytes),
      })
      fetched.start()
      queue.push(fetched)
      next = part.last + 1
    }
  }

  async function* inOrder(): AsyncGenerator<Uint8Array> {
    if (closed) refuse('unavailable')
    for (let front = queue[0]; front; front = queue[0]) {
      front.start()
      fill()
      for await (const chunk of front.read()) {
        delivered += chunk.length
        fill()
        yield chunk
      }
      front.close()
      queue.shift()
      fill()
    }
  }

  return {
    info,
    chunks: inOrder(),
    close: () => {
      closed = true
      for (const part of queue.splice(0)) part.close()
      object.close()
    },
  }
}

/** Opens a later part, of the very same object. */
async function openPart(
  { store, key, object }: Begun,
  range: ByteRange,
  signal: AbortSignal,
): Promise<OpenObject> {
  const { size, validator, encoding } = object.info
  const part = await store.get(key, { range, ifMatch: validator }, signal)
  if (part?.info.validator === validator && part.info.size === size && part.info.encoding === encoding)
    return part
  part?.close()
  return refuse('object_changed')
}
