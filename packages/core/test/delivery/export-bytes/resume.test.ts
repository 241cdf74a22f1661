import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { resume } from '../../../src/delivery/export-bytes.ts'
import type { ByteRange } from '../../../src/ports.ts'
import { drain } from '../sources.ts'

const bytes = Buffer.from(Uint8Array.from({ length: 1_000 }, (_, n) => n % 251))

/** Gives as many bytes as each read may, then ends or throws. */
function broken(...reads: readonly { readonly gives: number; readonly throws?: Error }[]): {
  readonly open: (range: ByteRange) => AsyncGenerator<Uint8Array>
  readonly asked: ByteRange[]
} {
  const asked: ByteRange[] = []
  async function* open({ first, last }: ByteRange): AsyncGenerator<Uint8Array> {
    const { gives, throws } = reads[asked.length] ?? { gives: Infinity }
    asked.push({ first, last })
    for (let at = first; at < Math.min(first + gives, last + 1); at += 7)
      yield bytes.subarray(at, Math.min(at + 7, first + gives, last + 1))
    if (throws) throw throws
  }
  return { open, asked }
}

const always = async (): Promise<void> => undefined

describe('a range that breaks', () => {
  test('continues where it stopped, to the same last byte', async () => {
    const { open, asked } = broken({ gives: 10 }, { gives: 0 }, { gives: 30, throws: new Error('reset') })
    const seen = await drain(resume({ first: 100, last: 199 }, open, always))
    expect([seen.bytes.equals(bytes.subarray(100, 200)), seen.error]).toEqual([true, undefined])
    expect(asked.map(({ first }) => first)).toEqual([100, 110, 110, 140])
    expect(new Set(asked.map(({ last }) => last))).toEqual(new Set([199]))
  })

  test('passes the error and the position to beforeReopen', async () => {
    const calls: [unknown, number][] = []
    const reset = new Error('reset')
    const { open } = broken({ gives: 10 }, { gives: 5, throws: reset })
    await drain(
      resume({ first: 0, last: 99 }, open, async (error, position) => void calls.push([error, position])),
    )
    expect(calls).toMatchObject([
      [{ outcome: 'store_cut' }, 10],
      [reset, 15],
    ])
  })

  test('ends with the error of beforeReopen', async () => {
    const spent = new Error('spent')
    const { open } = broken({ gives: 10 })
    const { lengths, error } = await drain(resume({ first: 0, last: 99 }, open, () => Promise.reject(spent)))
    expect([lengths, error]).toEqual([[7, 3], spent])
  })

  test('that fails to open again is opened again, too', async () => {
    const { open } = broken({ gives: 10 })
    let opens = 0
    const flaky = async (range: ByteRange): Promise<AsyncGenerator<Uint8Array>> => {
      opens += 1
      if (opens === 2) throw new Error('refused')
      return open(range)
    }
    expect(
      (await drain(resume({ first: 0, last: 99 }, flaky, always))).bytes.equals(bytes.subarray(0, 100)),
    ).toBe(true)
  })

  test('that fails after its last byte is not opened again', async () => {
    const verdict = new Error('the checksum is wrong')
    const { open, asked } = broken({ gives: 100, throws: verdict })
    let reopened = 0
    const { error } = await drain(resume({ first: 0, last: 99 }, open, async () => void (reopened += 1)))
    expect(error).toMatchObject({ outcome: 'store_cut', cause: verdict })
    expect([reopened, asked.length]).toEqual([0, 1])
  })

  test('without bytes opens nothing', async () => {
    const { open, asked } = broken()
    expect((await drain(resume({ first: 0, last: -1 }, open, always))).lengths).toEqual([])
    expect(asked).toEqual([])
  })

  test('at any positions, any number of times, gives the same bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 900 }),
        fc.integer({ min: 0, max: 99 }),
        fc.array(fc.record({ gives: fc.nat(60) }), { maxLength: 12 }),
        async (first, more, reads) => {
          const last = first + more
          const { open } = broken(...reads)
          const seen = await drain(resume({ first, last }, open, always))
          expect(seen.bytes.equals(bytes.subarray(first, last + 1))).toBe(true)
        },
      ),
      { numRuns: 300 },
    )
  })
})
