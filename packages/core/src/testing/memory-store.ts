import { createHash } from 'node:crypto'

import type { ByteRange, ExportStore, GetOptions, ObjectInfo, OpenObject } from '../ports.ts'
import { refuse } from '../refusals.ts'
import type { Shelf } from './store-contract.ts'

const CHUNK = 65_536
const SCRIBBLE = 0xa5

/**
 * A store in memory, for tests and first steps. Chunks are of at most 65,536 bytes. Its validator is strong and changes
 * with every `put`, also of the same bytes; two stores that were given the same puts agree on it.
 *
 * To a reader that gave `borrow` it lends one piece of memory again and again, and spoils it when the next chunk is asked
 * for: a reader that keeps a lent chunk sees wrong bytes here first.
 *
 * @param objects - what lies in it, by key; text as UTF-8
 * @defaultValue nothing
 */
export function createMemoryStore(
  objects: Readonly<Record<string, Uint8Array | string>> = {},
): ExportStore & Pick<Shelf, 'put' | 'remove'> {
  const shelves = new Map<string, StoredObject>()
  const puts = new Map<string, number>()

  const store = (key: string, bytes: Uint8Array): void => {
    const nth = (puts.get(key) ?? 0) + 1
    puts.set(key, nth)
    shelves.set(key, storedObject(bytes, nth))
  }
  for (const [key, content] of Object.entries(objects))
    store(key, typeof content === 'string' ? Buffer.from(content) : content)

  return {
    async head(key, signal) {
      signal.throwIfAborted()
      return shelves.get(key)?.info
    },
    async get(key, options, signal) {
      signal.throwIfAborted()
      const stored = shelves.get(key)
      return stored && openStored(stored, options)
    },
    async put(key, bytes) {
      store(key, bytes)
    },
    async remove(key) {
      shelves.delete(key)
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
  const lent = new Uint8Array(borrow ? Math.min(CHUNK, bytes.length) : 0)
  for (let at = 0; at < bytes.length; at += CHUNK) {
    if (isClosed()) refuse('unavailable')
    const chunk = bytes.slice(at, at + CHUNK)
    if (borrow) lent.set(chunk)
    yield borrow ? lent.subarray(0, chunk.length) : chunk
    lent.fill(SCRIBBLE)
  }
}
