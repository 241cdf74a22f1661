import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { ByteRange, ByteRangeSpec } from '../../src/http/byte-range.ts'
import {
  formatContentRange,
  formatUnsatisfiedRange,
  parseByteRanges,
  resolveByteRanges,
} from '../../src/http/byte-range.ts'

const huge = Number.MAX_SAFE_INTEGER

describe('a Range field that counts', () => {
  test.each<[string, readonly ByteRangeSpec[]]>([
    ['bytes=0-0', [{ kind: 'bounded', first: 0, last: 0 }]],
    ['bytes=2-5', [{ kind: 'bounded', first: 2, last: 5 }]],
    ['bytes=0002-0005', [{ kind: 'bounded', first: 2, last: 5 }]],
    ['bytes=5-', [{ kind: 'open', first: 5 }]],
    ['bytes=-5', [{ kind: 'suffix', length: 5 }]],
    ['bytes=-0', [{ kind: 'suffix', length: 0 }]],
    ['BYTES=5-', [{ kind: 'open', first: 5 }]],
    ['Bytes=5-', [{ kind: 'open', first: 5 }]],
    [
      'bytes=5-,-2',
      [
        { kind: 'open', first: 5 },
        { kind: 'suffix', length: 2 },
      ],
    ],
    [
      'bytes= 5- ,\t-2',
      [
        { kind: 'open', first: 5 },
        { kind: 'suffix', length: 2 },
      ],
    ],
    ['bytes=,5-,, ,', [{ kind: 'open', first: 5 }]],
    [`bytes=${huge}-`, [{ kind: 'open', first: huge }]],
    ['bytes=9007199254740993-', [{ kind: 'open', first: huge }]],
    [`bytes=${'9'.repeat(30)}-${'9'.repeat(30)}`, [{ kind: 'bounded', first: huge, last: huge }]],
    [`bytes=0-${'9'.repeat(400)}`, [{ kind: 'bounded', first: 0, last: huge }]],
    [`bytes=-${'9'.repeat(400)}`, [{ kind: 'suffix', length: huge }]],
    [`bytes=${'0'.repeat(400)}7-`, [{ kind: 'open', first: 7 }]],
  ])('%s', (value, specs) => {
    expect(parseByteRanges(value)).toEqual(specs)
  })
})

describe('a Range field that is ignored', () => {
  test.each([
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=,',
    'bytes= , ,',
    'bytes=abc',
    'bytes=5-2',
    'bytes=9007199254740994-9007199254740993',
    `bytes=${'9'.repeat(30)}-${'9'.repeat(29)}8`,
    'bytes=-',
    'bytes=--5',
    'bytes=1.5-3',
    'bytes=1-2-3',
    'bytes=+1-2',
    'bytes=0x1-2',
    'bytes=1e3-',
    'bytes=5',
    'bytes=1 - 2',
    'bytes=1-2;3-4',
    'bytes=0-1,x',
    'bytes =0-1',
    ' bytes=0-1',
    'bytes:0-1',
    'items=0-5',
    'seconds=1-2',
    'byte=0-1',
    'bytes=0-1, bytes=4-5',
    'bytes=\u0661-\u0662',
    'bytes=0-1\n',
    'bytes=0-1\u00a0',
    `bytes=0-1${' '.repeat(5_000)}`,
    `bytes=0-${'9'.repeat(5_000)}`,
  ])('%j', (value) => {
    expect(parseByteRanges(value)).toBeUndefined()
  })
})

describe('ranges resolved against a size', () => {
  const resolve = (value: string, size: number): ReturnType<typeof resolveByteRanges> =>
    resolveByteRanges(parseByteRanges(value) ?? [], size)

  test.each<[string, number, readonly ByteRange[]]>([
    ['bytes=0-0', 10, [{ first: 0, last: 0 }]],
    ['bytes=2-5', 10, [{ first: 2, last: 5 }]],
    ['bytes=2-99', 10, [{ first: 2, last: 9 }]],
    ['bytes=9-', 10, [{ first: 9, last: 9 }]],
    ['bytes=0-', 10, [{ first: 0, last: 9 }]],
    ['bytes=-3', 10, [{ first: 7, last: 9 }]],
    ['bytes=-99', 10, [{ first: 0, last: 9 }]],
    [`bytes=0-${'9'.repeat(30)}`, 10, [{ first: 0, last: 9 }]],
    ['bytes=10-,2-3', 10, [{ first: 2, last: 3 }]],
    ['bytes=-0,2-3', 10, [{ first: 2, last: 3 }]],
    ['bytes=0-', huge, [{ first: 0, last: huge - 1 }]],
  ])('%s of %d bytes', (value, size, ranges) => {
    expect(resolve(value, size)).toEqual(ranges)
  })

  test.each<[string, string, readonly ByteRange[]]>([
    ['an overlap', 'bytes=0-10,5-20', [{ first: 0, last: 20 }]],
    ['one inside the other', 'bytes=0-500,100-200', [{ first: 0, last: 500 }]],
    ['neighbours', 'bytes=0-9,10-19', [{ first: 0, last: 19 }]],
    ['a gap of 79 bytes', 'bytes=0-9,89-99', [{ first: 0, last: 99 }]],
    [
      'a gap of 80 bytes',
      'bytes=0-9,90-99',
      [
        { first: 0, last: 9 },
        { first: 90, last: 99 },
      ],
    ],
    ['a chain of small gaps', 'bytes=0-0,50-50,100-100,150-150', [{ first: 0, last: 150 }]],
  ])('%s', (_, value, ranges) => {
    expect(resolve(value, 1_000)).toEqual(ranges)
  })

  test('parts stand in the order they were asked for, a coalesced one where its first range stood', () => {
    expect(resolve('bytes=900-,0-9,300-310,5-20', 1_000)).toEqual([
      { first: 900, last: 999 },
      { first: 0, last: 20 },
      { first: 300, last: 310 },
    ])
    expect(resolve('bytes=5-20,900-,0-9', 1_000)).toEqual([
      { first: 0, last: 20 },
      { first: 900, last: 999 },
    ])
  })

  test.each([
    ['the first byte after the last', 'bytes=10-', 10],
    ['a bounded range after the end', 'bytes=10-20', 10],
    ['a suffix of nothing', 'bytes=-0', 10],
    ['digits beyond every number', `bytes=${'9'.repeat(400)}-`, 10],
    ['none of several', 'bytes=10-,20-30,-0', 10],
    ['three that overlap', 'bytes=0-10,5-15,12-20', 1_000],
    ['three equal ones', 'bytes=0-0,0-0,0-0', 1_000],
    ['two pairs that overlap', 'bytes=0-10,5-15,500-510,505-515', 1_000],
    ['nine parts', `bytes=${Array.from({ length: 9 }, (_, i) => `${i * 100}-${i * 100}`).join()}`, 1_000],
  ])('refused: %s', (_, value, size) => {
    expect(resolve(value, size)).toBe('unsatisfiable')
  })

  test('eight parts are served', () => {
    const value = `bytes=${Array.from({ length: 8 }, (_, i) => `${i * 100}-${i * 100}`).join()}`
    expect(resolve(value, 1_000)).toHaveLength(8)
  })

  test('nine ranges that make fewer parts are served', () => {
    const value = `bytes=${Array.from({ length: 9 }, (_, i) => `${i * 10}-${i * 10 + 1}`).join()}`
    expect(resolve(value, 1_000)).toEqual([{ first: 0, last: 81 }])
  })

  test.each(['bytes=0-', 'bytes=-5', 'bytes=5-6', 'bytes=-0'])('%s of nothing is the whole', (value) => {
    expect(resolve(value, 0)).toBe('whole')
  })

  test('nothing asked for is the whole', () => {
    expect(resolveByteRanges([], 10)).toBe('whole')
  })
})

test('Content-Range of a part and of a refusal', () => {
  expect(formatContentRange({ first: 0, last: 9 }, 100)).toBe('bytes 0-9/100')
  expect(formatUnsatisfiedRange(100)).toBe('bytes */100')
})

describe('properties', () => {
  test('no text throws, and what parses is never empty', () => {
    const rangeLike = fc.string({
      unit: fc.constantFrom(...'bytes=-,0123456789 \t;*"'.split('')),
      maxLength: 60,
    })
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          rangeLike,
          rangeLike.map((text) => `bytes=${text}`),
        ),
        (text) => {
          expect(parseByteRanges(text)?.length).not.toBe(0)
        },
      ),
      { numRuns: 3_000 },
    )
  })

  test('long hostile text is judged at once', () => {
    const started = performance.now()
    for (const text of [
      `bytes=1-${' '.repeat(4_000)}x`,
      `bytes=${'1'.repeat(4_000)}x`,
      `bytes=${','.repeat(4_000)}x`,
    ]) {
      for (let time = 0; time < 200; time += 1) expect(parseByteRanges(text)).toBeUndefined()
    }
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  test('a field that is written from specs parses to the same specs', () => {
    fc.assert(
      fc.property(fc.array(anySpec(Number.MAX_SAFE_INTEGER), { minLength: 1, maxLength: 20 }), (specs) => {
        expect(parseByteRanges(`bytes=${specs.map(write).join(', ')}`)).toEqual(specs)
      }),
    )
  })

  test('the parts are the bytes asked for, with nothing added but gaps under 80 bytes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_500 }),
        fc.array(anySpec(1_600), { minLength: 1, maxLength: 12 }),
        (size, specs) => {
          expect(resolveByteRanges(specs, size)).toEqual(oracle(specs, size))
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('one range asked for is one part, inside any size', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), anySpec(Number.MAX_SAFE_INTEGER), (size, spec) => {
        const parts = resolveByteRanges([spec], size)
        const fits =
          typeof parts === 'string' || (parts.length === 1 && parts.every((part) => isInside(part, size)))
        expect(fits).toBe(true)
      }),
    )
  })
})

const isInside = ({ first, last }: ByteRange, size: number): boolean =>
  first >= 0 && first <= last && last < size

const anySpec = (max: number): fc.Arbitrary<ByteRangeSpec> =>
  fc.oneof(
    // Short ones too: long ones all melt into one part.
    fc
      .tuple(fc.nat(max), fc.nat(60))
      .map(([first, more]) => ({ kind: 'bounded', first, last: Math.min(first + more, max) }) as const),
    fc
      .tuple(fc.nat(max), fc.nat(max))
      .map(([a, b]) => ({ kind: 'bounded', first: Math.min(a, b), last: Math.max(a, b) }) as const),
    fc.nat(max).map((first) => ({ kind: 'open', first }) as const),
    fc.nat(max).map((length) => ({ kind: 'suffix', length }) as const),
  )

function write(spec: ByteRangeSpec): string {
  if (spec.kind === 'suffix') return `-${spec.length}`
  return spec.kind === 'open' ? `${spec.first}-` : `${spec.first}-${spec.last}`
}

/** Paints every byte, then reads the parts off the picture. */
function oracle(specs: readonly ByteRangeSpec[], size: number): ReturnType<typeof resolveByteRanges> {
  const bytesOf = (spec: ByteRangeSpec): Set<number> => {
    const asked = new Set<number>()
    for (let byte = 0; byte < size; byte += 1) if (wants(spec, byte, size)) asked.add(byte)
    return asked
  }
  const sets = specs.map(bytesOf)
  const painted = Array.from({ length: size }, (_, byte) => sets.some((set) => set.has(byte)))
  if (!painted.includes(true)) return 'unsatisfiable'
  const overlapping = sets.filter((set, i) =>
    sets.some((other, j) => i !== j && [...set].some((byte) => other.has(byte))),
  )
  if (overlapping.length > 2) return 'unsatisfiable'
  const picture = painted.map((paint) => (paint ? 'x' : '.')).join('')
  const parts = [...picture.matchAll(/x(?:\.{0,79}x)*/g)].map(({ 0: run, index }) => ({
    first: index,
    last: index + run.length - 1,
  }))
  if (parts.length > 8) return 'unsatisfiable'
  const place = ({ first, last }: ByteRange): number =>
    sets.findIndex((set) => [...set].some((byte) => byte >= first && byte <= last))
  return parts.toSorted((one, other) => place(one) - place(other))
}

function wants(spec: ByteRangeSpec, byte: number, size: number): boolean {
  switch (spec.kind) {
    case 'suffix':
      return byte >= size - spec.length
    case 'open':
      return byte >= spec.first
    case 'bounded':
      return byte >= spec.first && byte <= spec.last
  }
}
