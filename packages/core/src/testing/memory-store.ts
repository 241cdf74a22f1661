import { createHash } from 'node:crypto'

import type { ByteRange, ExportStore, GetOptions, ObjectInfo, OpenObject } from '../ports.ts'
import { refuse } from '../refusals.ts'
import type { StoreFixture } from './store-contract.ts'

const CHUNK = 65_536
const SCRIBBLE = 0xa5

/**
 * Creates a store in memory, for tests and first steps. A chunk has at most 65,536 bytes. The validator is strong and changes with
 * every `put`, also of the same bytes. Two stores with the same puts have the same validators.
 *
 * With `borrow`, all chunks use the same buffer, which is overwritten when the next chunk is requested. So a reader that wrongly
 * keeps a borrowed chunk sees wrong bytes.
 *
 * @param objects - the objects by key; text is stored as UTF-8
 * @defaultValue no objects
 */
export function createMemoryStore(
  objects: Readonly<Record<string, Uint8Array | string>> = {},
): ExportStore & Pick<StoreFixture, 'put' | 'remove'> {
  const stored = new Map<string, StoredObject>()
  const puts = new Map<string, number>()

  const store = (key: string, bytes: Uint8Array): void => {
    const nth = (puts.get(key) ?? 0) + 1
    puts.set(key, nth)
    stored.set(key, storedObject(bytes, nth))
  }
  for (const [key, content] of Object.entries(objects))
    store(key, typeof content === 'string' ? Buffer.from(content) : content)

  return {
    async head(key, signal) {
      signal.throwIfAborted()
      return stored.get(key)?.info
    },
    async get(key, options, signal) {
      signal.throwIfAborted()
      const object = stored.get(key)
      return object && openStored(object, options)
    },
    async put(key, bytes) {
      store(key, bytes)
    },
    async remove(key) {
      stored.delete(key)
    },
  }
}

interface StoredObject {
  readonly info: ObjectInfo
  readonly bytes: Uint8Array
}

function storedObject(given: Uint8Array, nth: number): StoredObject {
  const bytes = Uint8Array.from(given)
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16)
  return { bytes, info: { size: bytes.length, validator: `${hash}-${nth}`, lastModified: new Date() } }
}

function openStored(
  { info, bytes }: StoredObject,
  { range, ifMatch, borrow = false }: GetOptions,
): OpenObject {
  if (ifMatch !== undefined && ifMatch !== info.validator) refuse('object_changed')
  if (range && !isInside(range, info.size)) refuse('upstream_error')
  const asked = range ? bytes.subarray(range.first, range.last + 1) : bytes
  let closed = false
  return {
    info,
    chunks: chunksOf(asked, borrow, () => closed),
    close: () => void (closed = true),
  }
}

const isInside = ({ first, last }: ByteRange, size: number): boolean =>
  first >= 0 && first <= last && last < size

async function* chunksOf(
  bytes: Uint8Array,
  borrow: boolean,
  isClosed: () => boolean,
): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(borrow ? Math.min(CHUNK, bytes.length) : 0)
  for (let at = 0; at < bytes.length; at += CHUNK) {
    if (isClosed()) refuse('unavailable')
    const chunk = bytes.slice(at, at + CHUNK)
    if (borrow) buffer.set(chunk)
    yield borrow ? buffer.subarray(0, chunk.length) : chunk
    buffer.fill(SCRIBBLE)
  }
}
