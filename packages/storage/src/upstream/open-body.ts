import { Readable } from 'node:stream'

import type { OpenObject } from '@sallyport/core'

import { refuseFault } from './fault.ts'

/** Classifies the error of a body: `'upstream_error'` if the body is wrong and a retry cannot help; `'unavailable'` if it was cut. */
export type ClassifyBodyError = (error: unknown) => 'unavailable' | 'upstream_error'

/**
 * Turns the body of an SDK's response into the `chunks` and `close` of the store port.
 *
 * @param released - called when the body has released its connection; may be called twice
 * @defaultValue classify: every error is a cut
 */
export function openBody(
  body: Readable,
  released: () => void,
  classify: ClassifyBodyError = () => 'unavailable',
): Pick<OpenObject, 'chunks' | 'close'> {
  body.on('error', ignore) // never removed: an error after close() would otherwise end the process
  body.once('close', released)
  return {
    chunks: chunksOf(body, classify),
    close: () => {
      released()
      body.destroy() // settles a pending read, too
    },
  }
}

async function* chunksOf(body: Readable, classify: ClassifyBodyError): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body as AsyncIterable<unknown>) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('a chunk of the body is not a Uint8Array')
      if (chunk.length > 0) yield chunk
    }
  } catch (error) {
    // The error's name does not help: a cut, a reset and our own close() all have the same one.
    const kind = classify(error)
    refuseFault(kind, { word: kind === 'upstream_error' ? 'checksum_mismatch' : 'body_cut' })
  }
}

/** Closes a body that will not be read. */
export function discardBody(body: unknown): void {
  if (body instanceof Readable) body.on('error', ignore).destroy()
}

const ignore = (): void => {}
