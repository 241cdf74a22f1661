import {
  abortable,
  type ByteRange,
  type ContentCoding,
  type ExportStore,
  type ObjectInfo,
  type OpenObject,
  refusalKindOf,
  refuse,
} from '@sallyport/core'

import { keyFault, type KeyRule } from '../object-key.ts'
import { joinPieces, MOST_OPEN } from './join-pieces.ts'
import { checkPartInfo, type EncodedParts, openPiece } from './open-piece.ts'
import { arePinned, checkParts, hasBytes, type JoinedParts, joinParts, type Part } from './part.ts'
import { type Piece, piecesOf } from './pieces.ts'
import { pinParts } from './pin-parts.ts'

/** Returns the parts of an export, in order. `undefined` or `null`: there is no such export. */
export type ListParts = (key: string, signal: AbortSignal) => Promise<readonly Part[] | null | undefined>

/** The options of `createPartsStore`, with their defaults filled, and the clock. */
export interface PartsStoreOptions {
  readonly keys: KeyRule
  readonly aheadMs: number
  readonly encodedParts: EncodedParts
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
}

/** Opens the store of `createPartsStore`, with the clock passed in. */
export function openPartsStore(
  store: ExportStore,
  listParts: ListParts,
  { keys, aheadMs, encodedParts, now }: PartsStoreOptions,
): ExportStore {
  /** Lists that cannot change, so that they are checked and hashed only once. */
  const frozen = new WeakMap<object, JoinedParts>()

  const find = async (key: string, signal: AbortSignal): Promise<JoinedParts | undefined> => {
    signal.throwIfAborted()
    const fault = keyFault(key, keys)
    if (fault !== undefined)
      return refuse('upstream_error', { cause: new Error(`the key of the record ${fault}`) })
    const list = await abortable(Promise.resolve(listParts(key, signal)), signal)
    if (list === undefined || list === null) return undefined
    const known = frozen.get(list)
    if (known) return known
    const parts = checkParts(list, keys)
    if (typeof parts === 'string')
      return refuse('upstream_error', {
        cause: new Error(`listParts: ${parts}`),
        trouble: 'record_malformed',
      })
    if (arePinned(parts)) {
      const joined = joinParts(parts)
      if (Object.isFrozen(list)) frozen.set(list, joined)
      return joined
    }
    const pinned = await pinParts(store, parts, signal)
    return pinned && joinParts(pinned)
  }

  /** Calls `head` for the first part that has bytes: it shows whether the parts exist, and their content coding. */
  const describe = async (joined: JoinedParts, signal: AbortSignal): Promise<ObjectInfo | undefined> => {
    const part = joined.parts.find(hasBytes) ?? joined.parts[0]
    const found = part && (await store.head(part.key, signal))
    if (!part || !found) return undefined
    checkPartInfo(found, part, { isJoined: joined.isJoined, encodedParts })
    return joinedInfo(joined, found.encoding)
  }

  const { connections, onTrouble } = store
  return {
    ...(connections && {
      connections: { pool: connections.pool, perDownload: connections.perDownload * MOST_OPEN },
    }),
    ...(onTrouble && { onTrouble }),
    head: async (key, signal) => {
      const joined = await find(key, signal)
      return joined && describe(joined, signal)
    },
    get: async (key, { range, ifMatch, borrow = false }, signal) => {
      const joined = await find(key, signal)
      if (!joined) return undefined
      const { parts, size, validator, isJoined } = joined
      if (ifMatch !== undefined && ifMatch !== validator)
        return refuse('object_changed', { cause: new Error('the list of parts is another one') })
      if (range && !isInside(range, size)) return refuse('upstream_error')
      const others = piecesOf(parts, range ?? { first: 0, last: size - 1 })
      const first = others.next().value ?? undefined
      if (!first) {
        const info = await describe(joined, signal)
        return info && emptyObject(info)
      }
      const terms = { isJoined, encodedParts }
      const begunAt = now()
      const opened = await openPiece(store, first, borrow, terms, signal).catch(async (error: unknown) => {
        // Azure answers 412 to a pinned request for a missing blob.
        if (refusalKindOf(error) !== 'object_changed' || (await store.head(first.part.key, signal)))
          throw error
        return undefined
      })
      if (!opened) return undefined
      const openMs = now() - begunAt
      const { encoding } = opened.info
      const open = async (piece: Piece, own: AbortSignal): Promise<OpenObject | undefined> => {
        const next = await openPiece(store, piece, borrow, terms, own)
        if (!next || next.info.encoding === encoding) return next
        next.close()
        return refuse('upstream_error', {
          cause: new Error(
            `the part '${piece.part.key}' has another content coding than the parts before it`,
          ),
        })
      }
      return joinPieces({
        info: joinedInfo(joined, encoding),
        first,
        opened,
        openMs,
        others,
        open,
        aheadMs,
        now,
      })
    },
  }
}

/** Several encoded parts are served as a file, so their coding is not announced. */
const joinedInfo = (
  { size, validator, isJoined }: JoinedParts,
  encoding: ContentCoding | undefined,
): ObjectInfo => ({ size, validator, ...(encoding && !isJoined && { encoding }) })

const isInside = ({ first, last }: ByteRange, size: number): boolean =>
  first >= 0 && first <= last && last < size

const emptyObject = (info: ObjectInfo): OpenObject => ({
  info,
  chunks: (async function* nothing() {})(),
  close: () => {},
})
