import type { ByterangesFrame } from '../http/multipart-byteranges.ts'
import type { ByteRange, OpenObject } from '../ports.ts'
import { byteranges } from './byteranges.ts'
import { exactLength } from './exact-length.ts'
import { readObject } from './read-object.ts'
import type { BeforeReopen } from './reopen-policy.ts'
import { resume } from './resume.ts'
import type { StoreFloor } from './store-floor.ts'

/** Where the bytes come from. */
export interface Source {
  /** The object that is already open at the first range. Absent: it is opened again. */
  readonly opened: OpenObject | undefined
  /** Opens the same object again, elsewhere. */
  readonly reopen: (range: ByteRange) => Promise<OpenObject>
  readonly beforeReopen: BeforeReopen
  readonly floor: StoreFloor
  /** Whether chunks are lent until the next is asked for. */
  readonly lent: boolean
  readonly signal: AbortSignal
}

/** The planned bytes, exact and healing themselves: `readObject`, `resume`, `exactLength`, and parts where there are several. */
export function exportBytes(
  plan: { readonly ranges: readonly ByteRange[]; readonly frame?: ByterangesFrame },
  { opened, reopen, beforeReopen, floor, lent, signal }: Source,
): AsyncGenerator<Uint8Array, void, undefined> {
  let ready = opened
  const open = async (range: ByteRange): Promise<AsyncIterable<Uint8Array>> => {
    const object = ready ?? (await reopen(range))
    ready = undefined
    return readObject(object, floor, signal)
  }
  const beforeNext: BeforeReopen = (error, position) => {
    floor.waits()
    return beforeReopen(error, position)
  }
  const read = (range: ByteRange): AsyncGenerator<Uint8Array, void, undefined> =>
    exactLength(range.last - range.first + 1, resume(range, open, beforeNext), lent)
  const [first = nothing] = plan.ranges
  return plan.frame ? byteranges(plan.ranges, plan.frame, read) : read(first)
}

const nothing: ByteRange = { first: 0, last: -1 }
