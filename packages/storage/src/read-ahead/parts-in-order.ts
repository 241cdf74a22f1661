import { type ByteRange, type ExportStore, type OpenObject, refuse } from '@sallyport/core'

import type { MemoryBudget } from '../memory-budget.ts'
import { fetchedPart, type FetchedPart } from './fetched-part.ts'

/** The options of `createReadAheadStore`, with their defaults filled. */
export interface ReadAheadOptions {
  readonly parts: number
  readonly partBytes: number
}

/** The first part of a download, which is open, and what the later parts need. */
export interface FirstPart {
  readonly store: ExportStore
  readonly key: string
  readonly object: OpenObject
  /** The requested range. Absent: the whole object, so the open body continues after the first part. */
  readonly range: ByteRange | undefined
  readonly budget: MemoryBudget
  /** Returns the memory of the first part to the budget. */
  readonly release: () => void
}

/** Makes an open object that fetches its bytes in parts and gives them in order. */
export function inParts(firstPart: FirstPart, { parts, partBytes }: ReadAheadOptions): OpenObject {
  const { object, range, budget, release } = firstPart
  const { info } = object
  const span = range ?? { first: 0, last: info.size - 1 }
  // Without a range, the body continues after the first part. When it is closed, the bytes in the socket buffers have been
  // fetched, too. So a quarter of a part is reserved for them. A larger reserve would delay later parts.
  const reserve = range ? 0 : Math.ceil(partBytes / 4)
  const firstLength = parts === 1 ? partBytes : partBytes - reserve
  const queue: FetchedPart[] = [
    fetchedPart({
      open: () => Promise.resolve(object),
      length: firstLength,
      afterwards: range ? 'over' : 'closed',
      goesTo: 'memory',
      onClose: release,
    }),
  ]
  let next = span.first + firstLength
  let delivered = span.first
  let closed = false

  /** Starts as many parts as the reader's position, the number of parts and the budget allow. */
  const fill = (): void => {
    if (closed) return
    while (next <= span.last && queue.length < parts) {
      const part = { first: next, last: Math.min(next + partBytes - 1, span.last) }
      const tooFar = part.last + 1 - delivered > parts * partBytes - reserve
      if (queue.length > 0 && tooFar) return
      const ahead = budget.reserve(partBytes)
      if (queue.length > 0 && !ahead) return
      const fetched = fetchedPart({
        open: (signal) => openPart(firstPart, part, signal),
        length: part.last - part.first + 1,
        afterwards: 'over',
        goesTo: ahead ? 'memory' : 'reader',
        onClose: () => ahead && budget.release(partBytes),
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

/** Opens a later part of the same object, pinned by its validator. */
async function openPart(
  { store, key, object }: FirstPart,
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
