import { once } from 'node:events'
import { setTimeout as pass } from 'node:timers/promises'

import type { ByteRange, OpenObject } from '../ports.ts'
import { refuse } from '../refusals.ts'
import type { ArmedFault } from './fault.ts'
import { leakyError } from './leaky-error.ts'

const SLOW_MS = 50
const SURPLUS = 1_000

/** Gives the chunks of an object, with faults. `happens` decides whether a fault happens. `close` ends a fault that waits. */
export function disturbed(
  object: OpenObject,
  { first, last }: ByteRange,
  faults: readonly ArmedFault[],
  happens: (armed: ArmedFault) => boolean,
): Pick<OpenObject, 'chunks' | 'close'> {
  const closing = new AbortController()
  const source = cutAnywhere(object.chunks, first)
  const meets = ({ fault: { does, atByte } }: ArmedFault): boolean =>
    atByte >= first && (atByte <= last || (atByte === last + 1 && does !== 'short'))

  async function* read(): AsyncGenerator<Uint8Array> {
    let surplus = 0
    for (const armed of faults
      .filter(meets)
      .toSorted((one, other) => one.fault.atByte - other.fault.atByte)) {
      if (!(yield* source.upTo(armed.fault.atByte))) return
      if (!happens(armed)) continue
      if (armed.fault.does === 'short') return
      if (armed.fault.does === 'overrun') surplus += SURPLUS
      else await applyFault(armed.fault.does, closing.signal)
    }
    yield* source.upTo(Number.POSITIVE_INFINITY)
    if (surplus > 0) yield new Uint8Array(surplus)
  }

  return {
    chunks: read(),
    close: () => {
      closing.abort()
      object.close()
    },
  }
}

/** Applies a fault. Resolves if the read continues after it. */
async function applyFault(
  does: 'cut' | 'throw' | 'change' | 'stall' | 'slow',
  closed: AbortSignal,
): Promise<void> {
  if (does === 'slow') return pass(SLOW_MS, undefined, { signal: closed }).catch(() => refuse('unavailable'))
  if (does === 'stall' && !closed.aborted) await once(closed, 'abort')
  if (does === 'throw') throw leakyError(chaosSecrets)
  refuse('unavailable', { cause: Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }) })
}

const chaosSecrets = {
  bucket: 'chaos-secret-bucket',
  key: 'chaos-secret-key.jsonl',
  region: 'chaos-secret-region-7',
  host: 'chaos-secret-host.internal',
  account: 'chaos-secret-account',
  accessKeyId: 'AKIACHAOSSECRETID',
  requestId: 'chaos-secret-request-id',
  signature: 'chaos/secret+signature=',
}

/**
 * Gives chunks that can be split at any position. Gives the rest of a chunk before it requests the next one, so a borrowed chunk is
 * still valid.
 */
function cutAnywhere(
  chunks: AsyncIterable<Uint8Array>,
  from: number,
): { upTo(position: number): AsyncGenerator<Uint8Array, boolean> } {
  const source = chunks[Symbol.asyncIterator]()
  let at = from
  let rest: Uint8Array = new Uint8Array()
  return {
    /** Returns false if the chunks end before the position. */
    async *upTo(position) {
      while (at < position) {
        if (rest.length === 0) {
          const step = await source.next()
          if (step.done === true) return false
          rest = step.value
        }
        const chunk = rest.subarray(0, position - at)
        rest = rest.subarray(chunk.length)
        at += chunk.length
        yield chunk
      }
      return true
    },
  }
}
