import {
  type ContentCoding,
  type ExportStore,
  type ObjectInfo,
  type OpenObject,
  refusalKindOf,
  refuse,
} from '@sallyport/core'

import type { PinnedPart } from './part.ts'
import { isWhole, type Piece } from './pieces.ts'

/** How parts that are stored with a content coding are served. */
export type EncodedParts = 'refuse' | 'file'

/** What each object must be like. */
export interface PartTerms {
  /** Whether more than one part has bytes. */
  readonly isJoined: boolean
  readonly encodedParts: EncodedParts
}

/**
 * Opens one piece, pinned by the validator of its part.
 *
 * @returns `undefined` if the object does not exist
 * @throws as {@link checkPartInfo}, after the object was closed; a refusal of the store
 */
export async function openPiece(
  store: ExportStore,
  piece: Piece,
  borrow: boolean,
  terms: PartTerms,
  signal: AbortSignal,
): Promise<OpenObject | undefined> {
  const { part, range } = piece
  const options = { ...(!isWhole(piece) && { range }), ifMatch: part.validator, ...(borrow && { borrow }) }
  const object = await store.get(part.key, options, signal).catch((error: unknown) => {
    if (refusalKindOf(error) !== 'object_changed') throw error
    const cause = new Error(`the object of the part '${part.key}' has another validator, or was deleted`, {
      cause: error,
    })
    return refuse('object_changed', { cause })
  })
  if (!object) return undefined
  try {
    checkPartInfo(object.info, part, terms)
    return object
  } catch (error) {
    object.close()
    throw error
  }
}

/**
 * Checks that an object is the one of the list, and can be joined to others.
 *
 * @throws `'object_changed'` if its validator is another one. `'upstream_error'` if only its size is, because then the list is wrong; or
 *   if it has a content coding and cannot be served so: parts of it, brotli, or several encoded parts if `encodedParts` is `'refuse'`
 */
export function checkPartInfo(info: ObjectInfo, part: PinnedPart, terms: PartTerms): void {
  const { encoding } = info
  if (info.validator !== part.validator)
    refuse('object_changed', {
      cause: new Error(
        `the part '${part.key}' must have the validator '${part.validator}'; its object has '${info.validator}'`,
      ),
      trouble: 'object_changed',
    })
  if (info.size !== part.size)
    refuse('upstream_error', {
      cause: new Error(`the part '${part.key}' must have ${part.size} bytes; its object has ${info.size}`),
      trouble: 'record_stale',
    })
  const fault = encoding && encodingFault(encoding, part, terms)
  if (fault !== undefined) refuse('upstream_error', { cause: new Error(fault) })
}

/** Why an encoded object cannot be a part here. `undefined`: it can. */
function encodingFault(
  encoding: ContentCoding,
  { key, size, first, last }: PinnedPart,
  { isJoined, encodedParts }: PartTerms,
): string | undefined {
  if (first > 0 || last < size - 1)
    return `the part '${key}' is stored with the content coding ${encoding}, so it cannot be cut`
  if (!isJoined) return undefined
  if (encodedParts === 'refuse')
    return `the part '${key}' is stored with the content coding ${encoding}. Most clients decode the first part only, so set encodedParts: 'file'`
  return encoding === 'br'
    ? `the part '${key}' is stored with the content coding br, and brotli cannot be joined`
    : undefined
}
