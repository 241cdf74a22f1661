import type { ByterangesFrame } from '../http/byte-range.ts'
import { partsOf } from '../http/byte-range.ts'
import type { ByteRange, OpenObject } from '../ports.ts'
import { DeliveryError, bodyFault } from './delivery-error.ts'
import { objectChunks } from './object-chunks.ts'
import type { StoreSpeed } from './object-chunks.ts'
import type { BeforeReopen } from './reopen-policy.ts'

/** The source of the bytes of one download. */
export interface Source {
  /** The object, open at the first range. Absent: `reopen` opens it. */
  readonly opened: OpenObject | undefined
  /** Opens the same object again at another range. */
  readonly reopen: (range: ByteRange) => Promise<OpenObject>
  readonly beforeReopen: BeforeReopen
  readonly speed: StoreSpeed
  /** Whether the store may reuse the memory of a chunk when the next one is requested. */
  readonly borrow: boolean
  readonly signal: AbortSignal
}

/**
 * Gives the planned bytes. `readObject` reads each range, `resume` continues it when the store fails, and `exactLength` counts
 * its bytes. `byteranges` makes several ranges into the parts of a multipart body.
 */
export function exportBytes(
  plan: { readonly ranges: readonly ByteRange[]; readonly frame?: ByterangesFrame },
  { opened, reopen, beforeReopen, speed, borrow, signal }: Source,
): AsyncGenerator<Uint8Array, void, undefined> {
  let ready = opened
  const open = async (range: ByteRange): Promise<AsyncIterable<Uint8Array>> => {
    const object = ready ?? (await reopen(range))
    ready = undefined
    return readObject(object, speed, signal)
  }
  const beforeNext: BeforeReopen = (error, position) => {
    speed.startWait()
    return beforeReopen(error, position)
  }
  const read = (range: ByteRange): AsyncGenerator<Uint8Array, void, undefined> =>
    exactLength(range.last - range.first + 1, resume(range, open, beforeNext), borrow)
  const [first = nothing] = plan.ranges
  return plan.frame ? byteranges(plan.ranges, plan.frame, read) : read(first)
}

const nothing: ByteRange = { first: 0, last: -1 }

/**
 * Gives exactly `length` bytes, or throws `store_cut` (too few) or `store_overran` (too many). It never gives more bytes. It
 * keeps the last chunk back until the source has ended, because the source may still throw at its end. The next call of the
 * source may reuse the memory of a borrowed chunk, so a borrowed last chunk is copied first.
 */
export async function* exactLength(
  length: number,
  chunks: AsyncIterable<Uint8Array>,
  borrow: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = length
  let held: Uint8Array | undefined
  for await (const chunk of chunks) {
    left -= chunk.length
    if (left < 0) throw new DeliveryError('store_overran')
    if (left > 0) yield chunk
    else held = borrow ? copyOf(chunk) : chunk
  }
  if (left > 0) throw new DeliveryError('store_cut')
  if (held) yield held
}

/** Not `Uint8Array.from`, which takes 25 times as long. */
function copyOf(chunk: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafeSlow(chunk.length)
  copy.set(chunk)
  return copy
}

/** Opens a range: first with the object that is already open, later with a new one, pinned by the same validator. */
export type OpenAt = (range: ByteRange) => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>

/**
 * Gives the bytes of a range. When the store fails, calls `beforeReopen` with the error and the next position. If that resolves,
 * opens the object there; if it throws, ends with its error.
 */
export async function* resume(
  { first, last }: ByteRange,
  open: OpenAt,
  beforeReopen: BeforeReopen,
): AsyncGenerator<Uint8Array, void, undefined> {
  let position = first
  while (position <= last) {
    try {
      for await (const chunk of await open({ first: position, last })) {
        position += chunk.length
        yield chunk
      }
      if (position <= last) throw new DeliveryError('store_cut')
    } catch (error) {
      // An error after the last byte concerns the whole body, such as a wrong checksum. Opening again cannot help.
      if (position > last) throw bodyFault(error)
      await beforeReopen(error, position)
    }
  }
}

/** Gives the chunks of an open object, with the time limits of `objectChunks`. Closes the object at the end, also after an error. */
export async function* readObject(
  object: OpenObject,
  speed: StoreSpeed,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = objectChunks(object, speed, signal)
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

/**
 * Gives several ranges as one `multipart/byteranges` body (RFC 9110 §14.6). Each chunk holds a whole
 * part: its head and its bytes. The last chunk is the closing boundary.
 *
 * So no write to the socket begins with bytes of the export. A proxy that takes a late write for the next response would otherwise parse text
 * that a user has put into the export.
 */
export async function* byteranges(
  ranges: readonly ByteRange[],
  frame: Pick<ByterangesFrame, 'head' | 'tail'>,
  read: (range: ByteRange) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let isFirst = true
  for (const range of ranges) {
    const parts = partsOf(range)
    let filling: { readonly bytes: Uint8Array; filled: number } | undefined
    for await (const chunk of read(range)) {
      let taken = 0
      while (taken < chunk.length) {
        filling ??= beginPart(parts.next().value ?? range, frame, isFirst)
        isFirst = false
        const count = Math.min(filling.bytes.length - filling.filled, chunk.length - taken)
        filling.bytes.set(chunk.subarray(taken, taken + count), filling.filled)
        filling.filled += count
        taken += count
        if (filling.filled < filling.bytes.length) continue
        yield filling.bytes
        filling = undefined
      }
    }
  }
  yield Buffer.from(frame.tail, 'latin1')
}

function beginPart(
  part: ByteRange,
  frame: Pick<ByterangesFrame, 'head'>,
  isFirst: boolean,
): { bytes: Uint8Array; filled: number } {
  const head = frame.head(part, isFirst)
  const bytes = Buffer.alloc(head.length + part.last - part.first + 1)
  return { bytes, filled: bytes.write(head, 'latin1') }
}
