import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { explainUuid } from '../../src/error-formats/validation-errors.ts'
import { parseUuid } from '../../src/http/uuid.ts'

const id = '8f14e45f-ceea-467f-9a3b-0c1d2e3f4a5b'
const digits = id.replaceAll('-', '')

describe('taken by pydantic, not by us', () => {
  test.each([
    ['nil', '00000000-0000-0000-0000-000000000000', 'invalid UUID format'],
    ['max', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'invalid UUID format'],
    ['MAX', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF', 'invalid UUID format'],
    ['braces', `{${id}}`, 'invalid UUID format'],
    ['URN', `urn:uuid:${id}`, 'invalid UUID format'],
    ['no hyphens', digits, 'invalid group count: expected 5, found 1'],
    ['no hyphens, upper case', digits.toUpperCase(), 'invalid group count: expected 5, found 1'],
  ])('%s', (_, text, fault) => {
    expect(explainUuid(text)).toBe(fault)
  })
})

describe('refused by both, in the same words', () => {
  test.each([
    ['nope', 'invalid character: found `n` at 1'],
    ['', 'invalid length: expected length 32 for simple format, found 0'],
    ['abc', 'invalid length: expected length 32 for simple format, found 3'],
    [`${digits}0`, 'invalid length: expected length 32 for simple format, found 33'],
    ['-', 'invalid group count: expected 5, found 2'],
    ['{}', 'invalid group count: expected 5, found 1'],
    ['{', 'invalid character: found `{` at 1'],
    [`{${digits}}`, 'invalid group count: expected 5, found 1'],
    [id.slice(0, -1), 'invalid group length in group 4: expected 12, found 11'],
    [`${id}0`, 'invalid group length in group 4: expected 12, found 13'],
    [`{${id}0}`, 'invalid group length in group 4: expected 12, found 15'],
    [`urn:uuid:${id}0`, 'invalid group length in group 4: expected 12, found 22'],
    [`0${id}`, 'invalid group length in group 0: expected 8, found 9'],
    ['8f14e45f-cee-a467f-9a3b-0c1d2e3f4a5b', 'invalid group length in group 1: expected 4, found 3'],
    ['8f14e45f-ceea-467-f9a3b-0c1d2e3f4a5b', 'invalid group length in group 2: expected 4, found 3'],
    ['8f14e45f-ceea-467f-9a3b0-c1d2e3f4a5b', 'invalid group length in group 3: expected 4, found 5'],
    [`${id} `, 'invalid character: found ` ` at 37'],
    [` ${id}`, 'invalid character: found ` ` at 1'],
    [`${id}\n`, 'invalid character: found `\n` at 37'],
    [`${id.slice(0, -1)}\0`, 'invalid character: found `\0` at 36'],
    [`${id.slice(0, -1)}\uff11`, 'invalid character: found `\uff11` at 36'],
    [`\u{1f600}${id}`, 'invalid character: found `\u{1f600}` at 1'],
    [`{${id.slice(0, -1)}g}`, 'invalid character: found `g` at 36'],
    [`{${id}g}`, 'invalid character: found `g` at 38'],
    [`urn:uuid:${id}g`, 'invalid character: found `g` at 46'],
    [`URN:UUID:${id}`, 'invalid character: found `U` at 1'],
    [`{{${id}}}`, 'invalid character: found `{` at 2'],
    ['../../etc/passwd', 'invalid character: found `.` at 1'],
  ])('%j: %s', (text, fault) => {
    expect(explainUuid(text)).toBe(fault)
  })

  test('half a character is shown as the replacement character', () => {
    expect(explainUuid('a\ud800')).toBe('invalid character: found `\ufffd` at 2')
  })

  test('and never completed from the text that it was cut from, however often', () => {
    const seen = Array.from({ length: 20_000 }, (_, nth) => {
      const cut = `aaaaaaaaaaaa\u{1f600}${nth}`.slice(0, 13)
      return explainUuid(cut)
    })
    const fault = 'invalid character: found `\ufffd` at 13'
    expect(seen.filter((words) => words !== fault)).toEqual([])
  })
})

describe('text of any length', () => {
  test('is judged at once, with its true length', () => {
    const started = performance.now()
    expect(explainUuid('a'.repeat(10_000_000))).toBe(
      'invalid length: expected length 32 for simple format, found 10000000',
    )
    expect(explainUuid(`${id}${'a'.repeat(10_000_000)}`)).toBe(
      'invalid group length in group 4: expected 12, found 10000012',
    )
    expect(performance.now() - started).toBeLessThan(1_000)
  })
})

describe('beside a second implementation, which walks the bytes', () => {
  const piece = fc.constantFrom(
    ...'0123456789abcdefABCDEF-{}:urng zG%\u00e9\uff11\0'.split(''),
    '\u{1f600}',
    '\ud800',
    'urn:uuid:',
  )
  const form = fc.constantFrom(
    id,
    id.toUpperCase(),
    digits,
    `{${id}}`,
    `urn:uuid:${id}`,
    `{${digits}}`,
    `{urn:uuid:${id}}`,
    `urn:uuid:{${id}}`,
  )
  const edit = fc.record({ at: fc.nat(60), take: fc.nat(3), put: fc.array(piece, { maxLength: 3 }) })
  const mutated = fc
    .tuple(form, fc.array(edit, { maxLength: 4 }))
    .map(([text, edits]) =>
      edits.reduce(
        (changed, { at, take, put }) => changed.slice(0, at) + put.join('') + changed.slice(at + take),
        text,
      ),
    )

  test('mutated ids', () => {
    fc.assert(
      fc.property(mutated, (text) => {
        expect(judge(text)).toEqual(walk(text))
      }),
      { numRuns: 20_000 },
    )
  })

  test('hyphens in any places', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0a----'.split('')), maxLength: 60 }), (text) => {
        expect(judge(text)).toEqual(walk(text))
      }),
      { numRuns: 3_000 },
    )
  })

  test('any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(judge(text)).toEqual(walk(text))
      }),
      { numRuns: 3_000 },
    )
  })
})

type Parsed = { readonly ok: true; readonly uuid: string } | { readonly ok: false; readonly fault: string }

function judge(text: string): Parsed {
  const uuid = parseUuid(text)
  return uuid === undefined ? { ok: false, fault: explainUuid(text) } : { ok: true, uuid }
}

function walk(text: string): Parsed {
  const no = (fault: string): Parsed => ({ ok: false, fault })
  const code = (character: string): number => character.charCodeAt(0)
  const isHex = (byte: number): boolean => '0123456789abcdefABCDEF'.includes(String.fromCharCode(byte))
  const isUuid = (bytes: Buffer): boolean => {
    if (bytes.length !== 36) return false
    return [...bytes].every((byte, at) => ([8, 13, 18, 23].includes(at) ? byte === code('-') : isHex(byte)))
  }
  const strip = (bytes: Buffer): { bytes: Buffer; offset: number } => {
    if (bytes.length > 1 && bytes[0] === code('{') && bytes.at(-1) === code('}'))
      return { bytes: bytes.subarray(1, -1), offset: 1 }
    const isUrn = bytes.subarray(0, 9).equals(Buffer.from('urn:uuid:'))
    return isUrn ? { bytes: bytes.subarray(9), offset: 9 } : { bytes, offset: 0 }
  }

  const whole = Buffer.from(text)
  if (isUuid(whole)) {
    const isSentinel = ['0', 'f'].includes([...new Set(text.toLowerCase().replaceAll('-', ''))].join(''))
    return !isSentinel ? { ok: true, uuid: text.toLowerCase() } : no('invalid UUID format')
  }
  if (whole.length === 32 && [...whole].every(isHex)) return no('invalid group count: expected 5, found 1')
  const once = strip(whole)
  if (once.offset > 0 && isUuid(once.bytes)) return no('invalid UUID format')

  const input = once.offset > 0 && once.bytes.length === 36 ? once.bytes : whole
  const { bytes, offset } = strip(input)
  const breaks: number[] = []
  for (const [at, byte] of bytes.entries()) {
    if (byte === code('-')) breaks.push(at)
    else if (!isHex(byte)) {
      const [character] = bytes.subarray(at).toString()
      return no(`invalid character: found \`${character}\` at ${at + offset + 1}`)
    }
  }
  if (breaks.length === 0 && offset === 0)
    return no(`invalid length: expected length 32 for simple format, found ${input.length}`)
  if (breaks.length !== 4) return no(`invalid group count: expected 5, found ${breaks.length + 1}`)
  const wrong = [8, 13, 18, 23].findIndex((place, group) => breaks[group] !== place)
  const starts = [0, 9, 14, 19]
  if (wrong < 0) return no(`invalid group length in group 4: expected 12, found ${input.length - 24}`)
  return no(
    `invalid group length in group ${wrong}: expected ${wrong === 0 ? 8 : 4}, found ${Number(breaks[wrong]) - Number(starts[wrong])}`,
  )
}
