import { Readable } from 'node:stream'

import type { OpenObject } from '@sallyport/core'

import { refuseFault } from './fault.ts'

/** Tells a wrong body, which no second reading heals, from one that was cut. */
export type JudgeBody = (error: unknown) => 'unavailable' | 'upstream_error'

/**
 * A client's body as the port wants it.
 *
 * @param released - called when the body holds its connection no longer, perhaps twice
 * @defaultValue judge: every end but the right one is a cut
 */
export function openBody(
  body: Readable,
  released: () => void,
  judge: JudgeBody = () => 'unavailable',
): Pick<OpenObject, 'chunks' | 'close'> {
  body.on('error', ignore) // for life: one that comes after close() would else end the process
  body.once('close', released)
  return {
    chunks: chunksOf(body, judge),
    close: () => {
      released()
      body.destroy() // a read that hangs settles by it
    },
  }
}

async function* chunksOf(body: Readable, judge: JudgeBody): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body as AsyncIterable<unknown>) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('a body of bytes')
      if (chunk.length > 0) yield chunk
    }
  } catch (error) {
    // Never by the error's name: a cut, a reset and our own close() all come as the same one.
    const kind = judge(error)
    refuseFault(kind, { word: kind === 'upstream_error' ? 'checksum_mismatch' : 'body_cut' })
  }
}

/** Lets go of a body that nobody will read. */
export function discardBody(body: unknown): void {
  if (body instanceof Readable) body.on('error', ignore).destroy()
}

const ignore = (): void => {}
