import { createHash } from 'node:crypto'

import type { ExportStore, OpenObject } from '@sallyport/core'

/** What a reader got, and how it ended: `'end'`, the kind of a refusal, or `'foreign'`. */
export interface ExpectedAnswer {
  readonly size: number
  readonly sha256: string
  readonly end: string
}

/** Reads to the end, and closes. */
export async function endOf(object: OpenObject | undefined): Promise<ExpectedAnswer> {
  const hash = createHash('sha256')
  let size = 0
  let end = 'end'
  try {
    for await (const chunk of object?.chunks ?? []) {
      hash.update(chunk)
      size += chunk.length
    }
  } catch (error) {
    end = kindOf(error)
  }
  object?.close()
  return { size, sha256: hash.digest('hex'), end }
}

/** The reading that got these bytes. */
export const reading = (bytes: Uint8Array, end = 'end'): ExpectedAnswer => ({
  size: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
  end,
})

/** The kind of a refusal: its message, which says nothing else. */
export const kindOf = (thrown: unknown): string =>
  thrown instanceof Error && KINDS.has(thrown.message) ? thrown.message : 'foreign'

const KINDS: ReadonlySet<string> = new Set(['unavailable', 'upstream_error', 'object_changed'])

/** Reads on, and throws what the body throws. */
export async function readOn(object: OpenObject | undefined): Promise<number> {
  let size = 0
  for await (const chunk of object?.chunks ?? []) size += chunk.length
  return size
}

/** An open object whose body has begun: a generator goes on where the first reader left it. */
export async function firstByteOf(store: ExportStore, key: string): Promise<OpenObject> {
  const object = await store.get(key, {}, new AbortController().signal)
  if (!object) throw new Error('no such object')
  const chunks = object.chunks[Symbol.asyncIterator]()
  await chunks.next()
  return { ...object, chunks: { [Symbol.asyncIterator]: () => chunks } }
}
