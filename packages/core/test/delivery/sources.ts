import type { OpenObject } from '../../src/ports.ts'

/** Chunks of these lengths, each byte its place in the whole, modulo 251. */
export async function* chunksOf(...lengths: readonly number[]): AsyncGenerator<Uint8Array, void, undefined> {
  let at = 0
  for (const length of lengths) {
    yield Uint8Array.from({ length }, (_, n) => (at + n) % 251)
    at += length
  }
}

/** All that comes, and what it ended with, if not well. */
export async function drain(
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ readonly bytes: Buffer; readonly lengths: readonly number[]; readonly error?: unknown }> {
  const seen: Buffer[] = []
  const said = (): { bytes: Buffer; lengths: number[] } => ({
    bytes: Buffer.concat(seen),
    lengths: seen.map(({ length }) => length),
  })
  try {
    for await (const chunk of chunks) seen.push(Buffer.from(chunk))
    return said()
  } catch (error) {
    return { ...said(), error }
  }
}

/** An object with prepared reads, which counts how often it is closed. */
export function scripted(...reads: readonly (() => Promise<IteratorResult<Uint8Array>>)[]): OpenObject & {
  readonly closed: () => number
} {
  const left = [...reads]
  let closed = 0
  return {
    info: { size: 0, validator: 'v' },
    chunks: { [Symbol.asyncIterator]: () => ({ next: () => (left.shift() ?? ends)() }) },
    close: () => void (closed += 1),
    closed: () => closed,
  }
}

export const gives = (length: number) => async (): Promise<IteratorResult<Uint8Array>> => ({
  done: false,
  value: new Uint8Array(length),
})
export const ends = async (): Promise<IteratorResult<Uint8Array>> => ({ done: true, value: undefined })
export const hangs = (): Promise<never> => new Promise(() => undefined)
