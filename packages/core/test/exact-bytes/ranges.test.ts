import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'

import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import { ask, collect, key, openGuard } from './guard.ts'

vi.setConfig({ testTimeout: 60_000 })

/** What RFC 9110 §14.1.2 says one range specifier selects, written without a look at the product. */
function oracle(spec: string, size: number): [number, number] | 'malformed' | 'unsatisfiable' {
  const suffix = /^-(\d+)$/.exec(spec)
  if (suffix) {
    const length = BigInt(suffix[1] ?? '0')
    if (length === 0n) return 'unsatisfiable'
    return [length >= BigInt(size) ? 0 : size - Number(length), size - 1]
  }
  const bounded = /^(\d+)-(\d*)$/.exec(spec)
  if (!bounded) return 'malformed'
  const first = BigInt(bounded[1] ?? '')
  const last = bounded[2] === '' ? BigInt(size - 1) : BigInt(bounded[2] ?? '')
  if (bounded[2] !== '' && last < first) return 'malformed'
  if (first >= BigInt(size)) return 'unsatisfiable'
  return [Number(first), Number(last >= BigInt(size) ? BigInt(size - 1) : last)]
}

const position = fc.oneof(
  fc.nat(3_000).map(String),
  fc.bigInt({ min: 0n, max: 10n ** 40n }).map(String),
  fc.constant('007'),
)
const spec = fc.oneof(
  fc.tuple(position, position).map(([first, last]) => `${first}-${last}`),
  position.map((first) => `${first}-`),
  position.map((length) => `-${length}`),
)

async function answer(
  range: string,
  size: number,
): Promise<{ status: number; headers: Readonly<Record<string, string>>; bytes: Buffer }> {
  const store = createMemoryStore({ [key]: positionCoded(size) })
  const { handler } = openGuard(store, { delivery: { multipleRanges: true } })
  const { status, headers, body, closeConnection = false } = await handler.handle(ask({ range }))
  // Whatever becomes of a list: a proxy must not use the connection again.
  expect(closeConnection).toBe(range.includes(','))
  expect(headers['Content-Length']).toBe(String(body?.length ?? 0))
  return { status, headers, bytes: await collect(body) }
}

const expectedHead = (selected: ReturnType<typeof oracle>, size: number): [number, string | undefined] => {
  if (selected === 'malformed') return [200, undefined]
  if (selected === 'unsatisfiable') return [416, `bytes */${size}`]
  return [206, `bytes ${selected[0]}-${selected[1]}/${size}`]
}

const expectedBytes = (selected: ReturnType<typeof oracle>, whole: Buffer): Buffer =>
  typeof selected === 'string' ? whole : whole.subarray(selected[0], selected[1] + 1)

describe('one range', () => {
  test('gives the expected slice, and matching header fields', async () => {
    const seen = { malformed: 0, part: 0, unsatisfiable: 0 }
    await fc.assert(
      fc.asyncProperty(spec, fc.integer({ min: 1, max: 2_000 }), async (spec, size) => {
        const whole = Buffer.from(positionCoded(size))
        const expected = oracle(spec, size)
        seen[typeof expected === 'string' ? expected : 'part'] += 1
        const { status, headers, bytes } = await answer(`bytes=${spec}`, size)
        expect([status, headers['Content-Range']]).toEqual(expectedHead(expected, size))
        expect(status === 416 || bytes.equals(expectedBytes(expected, whole))).toBe(true)
      }),
      { numRuns: 1_500 },
    )
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(50)
  })

  test('of an empty export is ignored', async () => {
    const { status, headers, bytes } = await answer('bytes=0-', 0)
    expect([status, headers['Content-Length'], bytes.length]).toEqual([200, '0', 0])
  })
})

describe('several ranges', () => {
  test('give parts with matching header fields, and an exact length', async () => {
    let parts = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(spec, { minLength: 2, maxLength: 6 }),
        fc.integer({ min: 500, max: 2_000 }),
        async (specs, size) => {
          const whole = Buffer.from(positionCoded(size))
          const wanted = new Set<number>()
          const ranges = specs.map((spec) => oracle(spec, size))
          for (const range of ranges) {
            if (typeof range !== 'string') for (let at = range[0]; at <= range[1]; at++) wanted.add(at)
          }
          const { status, headers, bytes } = await answer(`bytes=${specs.join(', ')}`, size)
          const sent = new Set<number>()
          for (const { first, last, content } of partsOf(headers, bytes)) {
            parts++
            expect(content.equals(whole.subarray(first, last + 1))).toBe(true)
            for (let at = first; at <= last; at++) sent.add(at)
          }
          expect([200, 206, 416]).toContain(status)
          // Whatever is answered with parts holds every byte that was asked for and can be had.
          expect(status !== 206 || [...wanted].every((at) => sent.has(at))).toBe(true)
          expect(status !== 200 || ranges.includes('malformed')).toBe(true)
        },
      ),
      { numRuns: 800 },
    )
    expect(parts).toBeGreaterThan(50)
  })

  test('are coalesced and limited, and one range is never multipart', async () => {
    const size = 10_000
    const status = async (range: string): Promise<[number, string | undefined]> => {
      const { status, headers } = await answer(range, size)
      return [status, headers['Content-Range'] ?? headers['Content-Type']?.split(';')[0]]
    }
    expect(await status('bytes=0-9,20-29')).toEqual([206, 'bytes 0-29/10000'])
    expect(await status('bytes=0-9,500-509')).toEqual([206, 'multipart/byteranges'])
    expect(await status('bytes=0-9,20000-')).toEqual([206, 'bytes 0-9/10000'])
    expect(await status('bytes=20000-,-0')).toEqual([416, 'bytes */10000'])
    expect(
      await status(`bytes=${Array.from({ length: 9 }, (_, n) => `${n * 500}-${n * 500 + 9}`).join(',')}`),
    ).toEqual([416, 'bytes */10000'])
    expect(await status('bytes=0-,0-,0-,0-')).toEqual([416, 'bytes */10000'])
  })
})

test('no header text throws, and a malformed value counts as absent', async () => {
  const { handler } = openGuard(createMemoryStore({ [key]: positionCoded(100) }))
  const fields = [
    'range',
    'if-range',
    'if-match',
    'if-none-match',
    'if-modified-since',
    'if-unmodified-since',
    'accept-encoding',
    'want-repr-digest',
    'x-request-id',
  ]
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...fields),
      fc.string({ unit: 'binary', maxLength: 200 }),
      async (name, value) => {
        const { status, body } = await handler.handle(ask({ [name]: value }))
        await collect(body)
        expect([200, 206, 304, 412, 416]).toContain(status)
      },
    ),
    { numRuns: 2_000 },
  )
})

interface Part {
  readonly first: number
  readonly last: number
  readonly content: Buffer
}

/** A strict reader of 206 answers: one part by its Content-Range, several by their boundary. */
function partsOf(headers: Readonly<Record<string, string>>, bytes: Buffer): Part[] {
  const range = (text: string): [number, number] => {
    const [, first, last] = /^bytes (\d+)-(\d+)\/\d+$/.exec(text) ?? []
    return [Number(first), Number(last)]
  }
  const single = headers['Content-Range']
  const boundary = /^multipart\/byteranges; boundary=([\w-]+)$/.exec(headers['Content-Type'] ?? '')?.[1]
  if (boundary === undefined) {
    if (single === undefined || !single.startsWith('bytes ') || single.includes('*')) return []
    const [first, last] = range(single)
    return [{ first, last, content: bytes }]
  }
  expect(single).toBeUndefined()
  const parts: Part[] = []
  let at = 0
  const take = (text: string): void => {
    expect(bytes.subarray(at, at + text.length).toString('latin1')).toBe(text)
    at += text.length
  }
  for (;;) {
    take(`${parts.length === 0 ? '' : '\r\n'}--${boundary}`)
    if (bytes.subarray(at, at + 2).toString('latin1') === '--') break
    take('\r\nContent-Type: application/jsonl\r\nContent-Range: ')
    const end = bytes.indexOf('\r\n\r\n', at)
    const [first, last] = range(bytes.subarray(at, end).toString('latin1'))
    at = end + 4
    parts.push({ first, last, content: bytes.subarray(at, at + last - first + 1) })
    at += last - first + 1
  }
  take('--\r\n')
  expect(at).toBe(bytes.length)
  expect(parts.length).toBeGreaterThan(1)
  return parts
}
