import { deepEqual, equal, fail, ok } from 'node:assert/strict'

import type { ExportStore, GetOptions, OpenObject } from '../ports.ts'
import { refusalDetail, type RefusalKind } from '../refusals.ts'

/** What a case gets: a store, and a key that is not used yet. */
export interface Scene {
  readonly store: ExportStore
  /** The segment above the key. */
  readonly folder: string
  readonly key: string
  readonly put: (bytes: Uint8Array) => Promise<void>
  /** Deletes the object. Does nothing if it is missing. */
  readonly remove: () => Promise<void>
}

/** A rule that every store must follow. */
export interface StoreCase {
  readonly title: string
  readonly run: (scene: Scene) => Promise<void>
}

/** Shorter than the timeout of a test runner, so that the failure names the call. */
const TIMEOUT_MS = 4_000

/** Waits for a promise, for at most 4 s. */
export async function soon<T>(waiting: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result within ${TIMEOUT_MS} ms: ${what}`)), TIMEOUT_MS)
  })
  try {
    return await Promise.race([waiting, late])
  } finally {
    clearTimeout(timer)
  }
}

/** A signal for the calls of a case. */
export const deadline = (): AbortSignal => AbortSignal.timeout(TIMEOUT_MS)

/** Opens an object that must exist. */
export async function opened(
  { store, key }: Pick<Scene, 'store' | 'key'>,
  options: GetOptions = {},
): Promise<OpenObject> {
  const object = await soon(store.get(key, options, deadline()), 'get')
  return object ?? fail('get found no object')
}

/** Reads an object to its end, and closes it. */
export async function readAll(object: OpenObject): Promise<Uint8Array> {
  try {
    return await readOn(object.chunks[Symbol.asyncIterator]())
  } finally {
    object.close()
  }
}

/** Reads the remaining chunks, and copies each one. None may be empty. */
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

/** Compares bytes. The failure names the first difference and does not print the bytes. */
export function sameBytes(seen: Uint8Array, expected: Uint8Array, what: string): void {
  if (Buffer.compare(seen, expected) === 0) return
  const at = expected.findIndex((byte, index) => byte !== seen[index])
  fail(
    `${what}: ${seen.length} bytes, expected ${expected.length}; they differ from byte ${at < 0 ? expected.length : at}`,
  )
}

/** Expects a call to be refused with one of these kinds, and the refusal to contain no foreign text. */
export async function refused(call: Promise<unknown>, ...kinds: readonly RefusalKind[]): Promise<void> {
  const thrown = await soon(rejection(call), 'a refusal')
  const kind =
    refusalDetail(thrown)?.kind ?? fail(`expected a refusal (${kinds.join(' or ')}), got another error`)
  ok(kinds.includes(kind), `refused with ${kind}, not ${kinds.join(' or ')}`)
  plainRefusal(thrown)
}

/** Expects a refusal whose visible members are only its kind: no key, no path, no foreign text. */
export function plainRefusal(thrown: unknown): void {
  const kind = refusalDetail(thrown)?.kind
  ok(thrown instanceof Error && kind !== undefined, 'a store throws refusals only')
  equal(thrown.message, kind, 'the message of a refusal is its kind')
  deepEqual(Object.keys(thrown).includes('cause'), false, 'the cause of a refusal is not enumerable')
}

/** Returns what a promise rejects with. Fails if it resolves. */
export const rejection = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => fail('the call resolved, but it had to reject'),
    (error: unknown) => error,
  )
