import { deepEqual, equal, fail, ok } from 'node:assert/strict'

import type { ExportStore, GetOptions, OpenObject } from '../ports.ts'
import { refusalDetail, type RefusalKind } from '../refusals.ts'

/** What a case plays with: a store, and one key of its own that is still free. */
export interface Scene {
  readonly store: ExportStore
  /** The segment above the key. */
  readonly folder: string
  readonly key: string
  readonly put: (bytes: Uint8Array) => Promise<void>
  /** May be asked of what is not there. */
  readonly remove: () => Promise<void>
}

/** A rule that every store keeps. */
export interface StoreCase {
  readonly title: string
  readonly run: (scene: Scene) => Promise<void>
}

/** Less than a test runner's own, so that the case fails by name. */
const PATIENCE_MS = 4_000

/** Waits, but not for ever. */
export async function soon<T>(waiting: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing for ${PATIENCE_MS} ms: ${what}`)), PATIENCE_MS)
  })
  try {
    return await Promise.race([waiting, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The signal of a case's own calls. */
export const deadline = (): AbortSignal => AbortSignal.timeout(PATIENCE_MS)

/** Opens an object that must be there. */
export async function opened(
  { store, key }: Pick<Scene, 'store' | 'key'>,
  options: GetOptions = {},
): Promise<OpenObject> {
  const object = await soon(store.get(key, options, deadline()), 'get')
  return object ?? fail('get found no object')
}

/** Reads to the end, and closes. */
export async function readAll(object: OpenObject): Promise<Uint8Array> {
  try {
    return await readOn(object.chunks[Symbol.asyncIterator]())
  } finally {
    object.close()
  }
}

/** Reads what is left. Chunks are copied as they come, and none may be empty. */
export async function readOn(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  const copies: Uint8Array[] = []
  for (
    let step = await soon(chunks.next(), 'a chunk');
    step.done !== true;
    step = await soon(chunks.next(), 'a chunk')
  ) {
    ok(step.value instanceof Uint8Array, 'a chunk is a Uint8Array')
    ok(step.value.length > 0, 'no chunk is empty')
    copies.push(Uint8Array.from(step.value))
  }
  return Buffer.concat(copies)
}

/** Compares bytes without printing megabytes of them. */
export function sameBytes(seen: Uint8Array, expected: Uint8Array, what: string): void {
  if (Buffer.compare(seen, expected) === 0) return
  const at = expected.findIndex((byte, index) => byte !== seen[index])
  fail(
    `${what}: ${seen.length} bytes, expected ${expected.length}; they differ from byte ${at < 0 ? expected.length : at}`,
  )
}

/** A call that must say no with one of these kinds, in our own words only. */
export async function refused(call: Promise<unknown>, ...kinds: readonly RefusalKind[]): Promise<void> {
  const thrown = await soon(rejection(call), 'a refusal')
  const kind =
    refusalDetail(thrown)?.kind ?? fail(`a refusal was due (${kinds.join(' or ')}), not another error`)
  ok(kinds.includes(kind), `refused with ${kind}, not ${kinds.join(' or ')}`)
  plainRefusal(thrown)
}

/** What a store throws is a refusal that shows its kind and nothing else: no key, no path, no foreign text. */
export function plainRefusal(thrown: unknown): void {
  const kind = refusalDetail(thrown)?.kind
  ok(thrown instanceof Error && kind !== undefined, 'a store throws refusals only')
  equal(thrown.message, kind, 'the message of a refusal is its kind')
  deepEqual(Object.keys(thrown).includes('cause'), false, 'the cause of a refusal is not enumerable')
}

/** The rejection of a promise; fails where it resolves. */
export const rejection = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => fail('it resolved, where it had to reject'),
    (error: unknown) => error,
  )
