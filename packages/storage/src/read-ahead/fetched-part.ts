import { type OpenObject, refuse } from '@sallyport/core'

/** One part of an object, being fetched or in memory. */
export interface FetchedPart {
  /** Starts to fetch the part. Later calls do nothing. */
  start(): void
  /** Gives exactly the bytes of the part. May be called once. If the object ends early, throws after its last byte. */
  read(): AsyncIterable<Uint8Array>
  /** Releases the connection and the memory. A pending read throws. Later calls do nothing. */
  close(): void
}

/** Says how to fetch a part. */
export interface PartTerms {
  readonly open: (signal: AbortSignal) => Promise<OpenObject>
  /** Bytes of the part. */
  readonly length: number
  /** `'closed'`: more bytes follow the part, so the object is closed after it. `'over'`: the object ends with the part. */
  readonly afterwards: 'closed' | 'over'
  /** `'memory'`: fetches the part as fast as possible. `'reader'`: fetches one chunk each time the reader asks for it. */
  readonly goesTo: 'memory' | 'reader'
  /** Called once, when the part has released its connection and memory. */
  readonly onClose: () => void
}

export function fetchedPart({ open, length, afterwards, goesTo, onClose }: PartTerms): FetchedPart {
  const chunks: Uint8Array[] = []
  const gone = new AbortController()
  let state: 'new' | 'fetching' | 'fetched' | 'failed' | 'closed' = 'new'
  let failure: unknown
  let object: OpenObject | undefined
  let wakeReader = ignore
  let wakeFetch = ignore

  async function fetch(): Promise<void> {
    object = await open(gone.signal)
    if (state === 'closed') return
    let left = length
    for await (const chunk of object.chunks) {
      if (chunk.length > left && afterwards === 'over') return refuse('upstream_error')
      chunks.push(chunk.subarray(0, left))
      left -= Math.min(left, chunk.length)
      wakeReader()
      if (left === 0 && afterwards === 'closed') break
      if (goesTo === 'reader') await new Promise<void>((resolve) => (wakeFetch = resolve))
    }
    if (left > 0) refuse('unavailable')
  }

  const settle = (next: 'fetched' | 'failed', error?: unknown): void => {
    if (state === 'fetching') [state, failure] = [next, error]
    object?.close() // it has ended, or the rest of it is not needed
    wakeReader()
  }

  const start = (): void => {
    if (state !== 'new') return
    state = 'fetching'
    fetch().then(
      () => settle('fetched'),
      (error: unknown) => settle('failed', error),
    )
  }

  async function* read(): AsyncGenerator<Uint8Array> {
    for (start(); ;) {
      const chunk = chunks.shift()
      if (state === 'closed') refuse('unavailable')
      if (chunk) yield chunk
      else if (state === 'failed') throw failure
      else if (state === 'fetched') return
      else {
        wakeFetch()
        await new Promise<void>((resolve) => (wakeReader = resolve))
      }
    }
  }

  return {
    start,
    read,
    close: () => {
      if (state === 'closed') return
      state = 'closed'
      chunks.length = 0
      gone.abort()
      object?.close()
      wakeFetch()
      wakeReader()
      onClose()
    },
  }
}

const ignore = (): void => {}
