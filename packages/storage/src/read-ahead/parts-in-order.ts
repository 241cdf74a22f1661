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
  /** The range that was requested. Absent: the whole, and the open object goes on behind its first part. */
  readonly range: ByteRange | undefined
  readonly budget: MemoryBudget
  /** Gives the memory of the first part back to the budget. */
  readonly give: () => void
}

/** The object, with its bytes fetched in parts and handed on in order. */
export function inParts(firstPart: FirstPart, { parts, partBytes }: ReadAheadOptions): OpenObject {
  const { object, range, budget, give } = firstPart
  const { info } = object
  const span = range ?? { first: 0, last: info.size - 1 }
  // The answer to a request without a range goes on behind the first part. When it is closed, the bytes in the socket's
  // buffers have been fetched, too: a quarter of a part is reserved for them. More would make later parts wait for each other.
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

  /** Starts the next parts, as far as the reader, the number of parts and the budget allow. */
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

/** Opens a later part, pinned to the same object. */
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
