import { Readable } from 'node:stream'

import type { OpenObject } from '@sallyport/core'

import { refuseFault } from './fault.ts'

/** The running checksum of a body. */
export interface Checksum {
  update(chunk: Uint8Array): void | Promise<void>
  /** Whether the checksum of all chunks is the expected one. */
  matches(): boolean | Promise<boolean>
}

/**
 * Turns the body of an SDK's response into the `chunks` and `close` of the store port.
 *
 * @param released - called when the body has released its connection; may be called twice
 * @param checksum - if it does not match at the end, `chunks` throws `'upstream_error'` instead of the last chunk
 * @defaultValue checksum: not verified
 */
export function openBody(
  body: Readable,
  released: () => void,
  checksum?: Checksum,
): Pick<OpenObject, 'chunks' | 'close'> {
  body.on('error', ignore) // never removed: an error after close() would otherwise end the process
  body.once('close', released)
  return {
    chunks: checksum ? verified(chunksOf(body), checksum) : chunksOf(body),
    close: () => {
      released()
      body.destroy() // settles a pending read, too
    },
  }
}

async function* chunksOf(body: Readable): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body as AsyncIterable<unknown>) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('a chunk of the body is not a Uint8Array')
      if (chunk.length > 0) yield chunk
    }
  } catch {
    // The error's name does not help: a cut, a reset and our own close() all have the same one.
    refuseFault('unavailable', { word: 'body_cut' })
  }
}

async function* verified(chunks: AsyncGenerator<Uint8Array>, checksum: Checksum): AsyncGenerator<Uint8Array> {
  let last: Uint8Array | undefined
  for await (const chunk of chunks) {
    if (last) yield last
    await checksum.update(chunk)
    last = chunk
  }
  if (!(await checksum.matches())) refuseFault('upstream_error', { word: 'checksum_mismatch' })
  if (last) yield last
}

/** Closes a body that will not be read. */
export function discardBody(body: unknown): void {
  if (body instanceof Readable) body.on('error', ignore).destroy()
}

const ignore = (): void => {}
