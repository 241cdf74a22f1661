import { createHash } from 'node:crypto'

import { keyFault, type KeyRule } from '../object-key.ts'

/** One of the objects that make an export. Its bytes from `first` to `last` belong to the export. */
export interface Part {
  /** The key of the object in the wrapped store. */
  readonly key: string
  /** Bytes of the whole object, as stored. */
  readonly size: number
  /**
   * The validator that the object must have, as the wrapped store gives it. On S3 it is the ETag with its quotes. Absent: the store
   * calls `head` for the object before it opens any part.
   */
  readonly validator?: string | null | undefined
  /** The first byte that belongs to the export, from 0 to `size`. Absent: 0. */
  readonly first?: number | null | undefined
  /** The last byte that belongs to the export, from `first - 1` (none) to `size - 1`. Absent: `size - 1`. */
  readonly last?: number | null | undefined
}

/** A part whose optional members are filled. */
export interface PinnedPart {
  readonly key: string
  readonly size: number
  readonly validator: string
  readonly first: number
  readonly last: number
}

/** A checked part that may still lack its validator. */
export type CheckedPart = Omit<PinnedPart, 'validator'> & { readonly validator: string | undefined }

/**
 * The most parts of one export. Checking and hashing a list keeps the event loop for about 2 ms for 1,000 parts, so a longer list would
 * delay all downloads of the process.
 */
export const MOST_PARTS = 100_000

/**
 * Checks a list of parts, which a host may have read from a database, and fills its optional members.
 *
 * @returns a text that names the faulty entry and member, without the key
 */
export function checkParts(list: unknown, rule: KeyRule): readonly CheckedPart[] | string {
  if (!Array.isArray(list)) return `must be a list of parts; got ${kindOf(list)}`
  if (list.length === 0) return 'must have at least one part. An empty export is one part of size 0'
  if (list.length > MOST_PARTS) return `must have at most ${MOST_PARTS} parts; got ${list.length}`
  const parts: CheckedPart[] = []
  let total = 0
  for (const [nth, given] of list.entries() as Iterable<[number, unknown]>) {
    const part = checkPart(given, rule)
    if (typeof part === 'string') return `part ${nth}: ${part}`
    total += part.last - part.first + 1
    parts.push(part)
  }
  return Number.isSafeInteger(total) ? parts : 'the parts together have too many bytes'
}

const members: ReadonlySet<string> = new Set(['key', 'size', 'validator', 'first', 'last'])

function checkPart(given: unknown, rule: KeyRule): CheckedPart | string {
  if (typeof given !== 'object' || given === null) return `must be an object; got ${kindOf(given)}`
  const unknown = Object.keys(given).find((name) => !members.has(name))
  if (unknown !== undefined) return `${unknown} is not a member; must be one of ${[...members].join(', ')}`
  const { key, size, validator, first, last }: Partial<Record<keyof Part, unknown>> = given
  const fault = keyFault(key, rule)
  if (typeof key !== 'string' || fault !== undefined) return `key ${fault ?? 'is not a string'}`
  if (!isWhole(size) || size < 0) return `size must be a whole number of bytes; got ${kindOf(size)}`
  if (!(isAbsent(validator) || (typeof validator === 'string' && validator !== '')))
    return `validator must be a string that is not empty; got ${kindOf(validator)}`
  const begin = first ?? 0
  if (!isWhole(begin) || begin < 0 || begin > size)
    return `first must be a whole number from 0 to size (${size}); got ${kindOf(first)}`
  const end = last ?? size - 1
  if (!isWhole(end) || end < begin - 1 || end >= size)
    return `last must be a whole number from first - 1 (${begin - 1}) to size - 1 (${size - 1}); got ${kindOf(last)}`
  return { key, size, validator: validator ?? undefined, first: begin, last: end }
}

const isAbsent = (value: unknown): value is null | undefined => value === undefined || value === null
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value)

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === '') return 'an empty string'
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value)
  return Array.isArray(value) ? 'a list' : `a value of the type ${typeof value}`
}

/** Whether all parts have their validator. */
export const arePinned = (parts: readonly CheckedPart[]): parts is readonly PinnedPart[] =>
  parts.every(({ validator }) => validator !== undefined)

/** The parts of one export, and what follows from them. */
export interface JoinedParts {
  readonly parts: readonly PinnedPart[]
  /** Bytes of the joined object. */
  readonly size: number
  /**
   * The validator of the joined object: a hash of the sizes, cuts and validators, in their order. It is equal in every process. Keys
   * are not part of it, so the objects may be moved.
   */
  readonly validator: string
  /** Whether more than one part has bytes. */
  readonly isJoined: boolean
}

/** Joins parts that have their validators. */
export function joinParts(parts: readonly PinnedPart[]): JoinedParts {
  const lines: string[] = []
  let bytes = 0
  let partsWithBytes = 0
  for (const { size, first, last, validator } of parts) {
    lines.push(`${size} ${first} ${last} ${validator.length} ${validator}\n`)
    bytes += last - first + 1
    if (hasBytes({ first, last })) partsWithBytes += 1
  }
  const hash = createHash('sha256').update(lines.join('')).digest('hex')
  return { parts, size: bytes, validator: `parts-${hash}`, isJoined: partsWithBytes > 1 }
}

/** Whether any byte of a part belongs to the export. */
export const hasBytes = ({ first, last }: Pick<PinnedPart, 'first' | 'last'>): boolean => first <= last
