import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { formatAttachment } from '../../src/http/content-disposition.ts'

describe('a name in ASCII', () => {
  test.each([
    ['export.csv', 'export.csv'],
    ['a b (1).csv', 'a b (1).csv'],
    ["it's.csv", "it's.csv"],
    ['../../etc/passwd', '_.._etc_passwd'],
    [String.raw`C:\temp\x.csv`, 'C__temp_x.csv'],
    ['a"b;c%41|d<e>f*g?.csv', 'a_b_c_41_d_e_f_g_.csv'],
    ['a\r\nSet-Cookie: x=1.csv', 'aSet-Cookie_ x=1.csv'],
    ['a\u0000b\u001fc\u007fd\u0085e.csv', 'abcde.csv'],
    ['\u202egpj.exe\u202c.csv', 'gpj.exe.csv'],
    ['a\u200b\u200d\u2060\ufeff\u00ad\u061c.csv', 'a.csv'],
    ['a\u2028b\u2029.csv', 'ab.csv'],
    ['.htaccess', 'htaccess'],
    [' .. a.csv .. ', 'a.csv'],
    ['\u00a0\u3000a.csv\u2003', 'a.csv'],
    ['NUL', '_NUL'],
    ['con.csv', '_con.csv'],
    ['Con .csv', '_Con .csv'],
    ['aux.tar.gz', '_aux.tar.gz'],
    ['COM1.csv', '_COM1.csv'],
    ['lpt9', '_lpt9'],
    ['CONIN$', '_CONIN$'],
    ['console.csv', 'console.csv'],
    ['com10.csv', 'com10.csv'],
    ['a\u037eb.csv', 'a_b.csv'],
    ['\ud800a.csv', '_a.csv'],
  ])('%j', (filename, safe) => {
    expect(formatAttachment(filename, 'fallback.csv')).toBe(`attachment; filename="${safe}"`)
  })
})

describe('a name with other characters', () => {
  test.each([
    ['r\u00e9sum\u00e9.csv', 'resume.csv', 'r%C3%A9sum%C3%A9.csv'],
    ['re\u0301sume\u0301.csv', 'resume.csv', 'r%C3%A9sum%C3%A9.csv'],
    ['re\u200b\u0301.csv', 're.csv', 'r%C3%A9.csv'],
    ['\u5831\u544a.csv', '__.csv', '%E5%A0%B1%E5%91%8A.csv'],
    ['\u{1f600}.csv', '_.csv', '%F0%9F%98%80.csv'],
    ["\u00e9'()*.csv", "e'()_.csv", '%C3%A9%27%28%29_.csv'],
    ['\uff23\uff2f\uff2e.csv', '_CON.csv', '%EF%BC%A3%EF%BC%AF%EF%BC%AE.csv'],
    ['com\u00b9.csv', '_com1.csv', '_com%C2%B9.csv'],
    ['a\uff0fb\uff05.csv', 'a_b_.csv', 'a%EF%BC%8Fb%EF%BC%85.csv'],
    ['\u0301', 'fallback.csv', '%CC%81'],
  ])('%j', (filename, ascii, extended) => {
    expect(formatAttachment(filename, 'fallback.csv')).toBe(
      `attachment; filename="${ascii}"; filename*=UTF-8''${extended}`,
    )
  })
})

describe('nothing left of a name', () => {
  test.each([undefined, '', '.', '..', ' ', '\u0000', '\u200b\u202e', ' . . '])(
    '%j: the fallback',
    (filename) => {
      expect(formatAttachment(filename, 'export-1.csv')).toBe('attachment; filename="export-1.csv"')
    },
  )

  test('the fallback is made safe too, and has one of its own', () => {
    expect(formatAttachment(undefined, '../nul')).toBe('attachment; filename="_nul"')
    expect(formatAttachment('', '..')).toBe('attachment; filename="export"')
    expect(formatAttachment('\u0301', '\u0301')).toBe(
      `attachment; filename="export"; filename*=UTF-8''%CC%81`,
    )
  })
})

describe('a long name', () => {
  const named = (filename: string): string => {
    const value = formatAttachment(filename, 'fallback')
    const extended = /filename\*=UTF-8''(.*)$/.exec(value)?.[1]
    return extended === undefined ? (/filename="(.*)"$/.exec(value)?.[1] ?? '') : decodeURIComponent(extended)
  }

  test('150 bytes are kept whole', () => {
    const whole = `${'a'.repeat(146)}.csv`
    expect(named(whole)).toBe(whole)
  })

  test('149 plain characters of a device grow to 150', () => {
    expect(named(`nul.${'a'.repeat(145)}`)).toBe(`_nul.${'a'.repeat(145)}`)
  })

  test('one byte more goes from the stem', () => {
    expect(named(`${'a'.repeat(147)}.csv`)).toBe(`${'a'.repeat(146)}.csv`)
  })

  test('a double extension is kept', () => {
    expect(named(`${'a'.repeat(5_000)}.jsonl.gz`)).toBe(`${'a'.repeat(141)}.jsonl.gz`)
  })

  test('no character is cut in two', () => {
    expect(named(`${'\u{1f600}'.repeat(100)}.csv`)).toBe(`${'\u{1f600}'.repeat(36)}.csv`)
  })

  test('a cut leaves no space or dot before the extension', () => {
    expect(named(`aaa${' .'.repeat(200)}-and-the-rest.csv`)).toBe('aaa.csv')
  })

  test('a cut makes no device', () => {
    expect(named(`nul${' '.repeat(200)}b.csv`)).toBe('_nul.csv')
  })

  test('without an extension the end goes', () => {
    expect(named('a'.repeat(10_000))).toBe('a'.repeat(150))
    expect(named(`con.${'a'.repeat(146)}`)).toBe(`_con.${'a'.repeat(145)}`)
  })
})

describe('for any text', () => {
  const fragments = fc.constantFrom(
    '.',
    ' ',
    '..',
    '/',
    '\\',
    '"',
    '%0a',
    ';',
    'nul',
    'CON',
    '.csv',
    '\u202e',
    '\ud800',
    '\u0301',
    '\u00e9',
    '\r\n',
    '\u037e',
    '\u{1f600}',
    '\ufdfa',
    "'",
    '*',
  )
  const name = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc
      .array(fc.oneof(fragments, fc.string({ maxLength: 80 })), { maxLength: 30 })
      .map((parts) => parts.join('')),
  )
  const grammar =
    /^attachment; filename="([\x20-\x7e]*)"(?:; filename\*=UTF-8''((?:[\w!#$&+.^`|~-]|%[0-9A-F]{2})+))?$/

  test('the field is well formed, and both names are safe', () => {
    fc.assert(
      fc.property(name, name, (filename, fallback) => {
        const [, ascii = '', extended] = grammar.exec(formatAttachment(filename, fallback)) ?? []
        for (const shown of [ascii, decodeURIComponent(extended ?? 'x')]) {
          expect(shown).not.toMatch(/[/\\:*?"<>|%;]|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|^[.\s]|[.\s]$|^$/u)
          expect(shown).not.toMatch(/^(?:con|prn|aux|nul|com\d|lpt\d) *(?:\.|$)/i)
          expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(150)
          expect(shown.normalize('NFC')).toBe(shown)
        }
        expect(extended).not.toBe(ascii)
      }),
      { numRuns: 3_000 },
    )
  })

  test('a safe name is kept as it is', () => {
    const safe = fc.stringMatching(/^[a-z\u00e0-\u00f6\u4e00-\u9fff]{1,20}-[0-9]{1,9}\.(?:csv|jsonl\.gz)$/)
    fc.assert(
      fc.property(safe, (filename) => {
        const value = formatAttachment(filename, 'fallback')
        const [, ascii, extended] = grammar.exec(value) ?? []
        expect(extended === undefined ? ascii : decodeURIComponent(extended)).toBe(filename.normalize('NFC'))
      }),
    )
  })
})
