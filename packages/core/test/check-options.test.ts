import { describe, expect, test } from 'vitest'

import * as check from '../src/check-options.ts'

interface Disk {
  readonly root: string
  readonly waitMs?: number
  readonly mode?: 'fast' | 'safe'
  readonly password?: string
  readonly now?: () => number
  readonly nested?: { readonly tries: number }
}

const disk = check.object<Disk>('{ root, waitMs?, mode?, password?, now?, nested? }', {
  root: check.text('the folder of the exports'),
  waitMs: check.milliseconds('how long to wait', 100).optional(),
  mode: check.oneOf('fast', 'safe').optional(),
  password: check.secret('the password of the disk').optional(),
  now: check.fn<() => number>('() => milliseconds').optional(),
  nested: check
    .object<{ readonly tries: number }>('{ tries }', { tries: check.whole('tries', 1, 9) })
    .optional(),
})

/** The lines of the complaint, without the caller. `[]`: the options are right. */
function faults(options: unknown): readonly string[] {
  try {
    check.checkOptions('createDisk', options, disk)
  } catch (error) {
    return String(error)
      .replace('TypeError: ', '')
      .split('\n')
      .map((line) => line.replace(/^createDisk: /, ''))
  }
  return []
}
const link = '  see https://github.com/sallyport/sallyport/blob/main/docs/options.md#createdisk'

describe('checkOptions', () => {
  test.each<[string, unknown]>([
    ['the required options alone', { root: '/a' }],
    [
      'all options',
      { root: '/a', waitMs: 100, mode: 'safe', password: 'x', now: Date.now, nested: { tries: 9 } },
    ],
    ['an option given as undefined', { root: '/a', mode: undefined }],
  ])('accepts %s', (_, options) => {
    expect(faults(options)).toEqual([])
  })

  test.each<[string, unknown, readonly string[]]>([
    [
      'nothing',
      undefined,
      ['options: must be { root, waitMs?, mode?, password?, now?, nested? }; got nothing'],
    ],
    [
      'a string',
      'root',
      ['options: must be { root, waitMs?, mode?, password?, now?, nested? }; got a string'],
    ],
    ['a missing option', {}, ['root: must be the folder of the exports; got nothing']],
    ['an empty text', { root: '' }, ['root: must be the folder of the exports; got an empty string']],
    ['a misspelt option', { root: '/a', waitms: 1 }, ['waitms: is not an option; did you mean waitMs?']],
    [
      'an unknown option',
      { root: '/a', colour: 1 },
      ['colour: is not an option; must be one of root, waitMs, mode, password, now, nested'],
    ],
    [
      'seconds',
      { root: '/a', waitMs: 15 },
      [
        'waitMs: must be how long to wait in milliseconds (1 s is 1000): a whole number from 100 to 2147483647; got 15',
      ],
    ],
    ['another value', { root: '/a', mode: 'slow' }, ["mode: must be 'fast' or 'safe'; got 'slow'"]],
    [
      'a number for a secret',
      { root: '/a', password: 7 },
      ['password: must be the password of the disk; got a number'],
    ],
    [
      'what is no function',
      { root: '/a', now: 'x' },
      ['now: must be a function () => milliseconds; got a string'],
    ],
    [
      'a wrong member',
      { root: '/a', nested: { tries: 10 } },
      ['nested.tries: must be tries: a whole number from 1 to 9; got 10'],
    ],
    [
      'a misspelt member',
      { root: '/a', nested: { tries: 1, trys: 1 } },
      ['nested.trys: is not an option; did you mean tries?'],
    ],
    [
      'several faults',
      { root: 5, mode: 'slow', extra: true },
      [
        'root: must be the folder of the exports; got 5',
        "mode: must be 'fast' or 'safe'; got 'slow'",
        'extra: is not an option; must be one of root, waitMs, mode, password, now, nested',
      ],
    ],
  ])('refuses %s', (_, options, expected) => {
    expect(faults(options)).toEqual([...expected, link])
  })
})

test('a list is refused where it is none, is empty or holds another thing', () => {
  const list = check.object<{ readonly names: readonly string[] }>('{ names }', {
    names: check.listOf('a list of names', check.text('a name')),
  })
  const given =
    (names: unknown): (() => void) =>
    () =>
      check.checkOptions('f', { names }, list)
  expect(given(['a'])).not.toThrow()
  expect(given('a')).toThrow("f: names: must be a list of names; got 'a'")
  expect(given([])).toThrow('f: names: must be a list of names; got []')
  expect(given(['a', 1])).toThrow("f: names: must be a list of names; got ['a', 1]")
})

test('milliseconds for which 0 has a meaning are 0, or not as few as seconds would be', () => {
  const options = check.object<{ readonly cacheMs: number }>('{ cacheMs }', {
    cacheMs: check.millisecondsOrNone('how long it is kept', 1_000, 60_000),
  })
  const given =
    (cacheMs: unknown): (() => void) =>
    () =>
      check.checkOptions('f', { cacheMs }, options)
  for (const right of [0, 1_000, 60_000]) expect(given(right)).not.toThrow()
  for (const wrong of [1, 60, 999, 1_000.5, 60_001, -1, Number.NaN, '0', undefined])
    expect(given(wrong)).toThrow(
      'f: cacheMs: must be 0, or how long it is kept in milliseconds (1 s is 1000): a whole number from 1000 to 60000; got ',
    )
})

test('a check may depend on the value', () => {
  const options = check.object<{ readonly at: string | number }>('{ at }', {
    at: check.choose<string | number>((value) =>
      typeof value === 'number' ? check.whole('a port', 1, 9) : check.text('a path'),
    ),
  })
  const given =
    (at: unknown): (() => void) =>
    () =>
      check.checkOptions('f', { at }, options)
  for (const right of ['/a', 9]) expect(given(right)).not.toThrow()
  expect(given(10)).toThrow('f: at: must be a port: a whole number from 1 to 9; got 10')
  expect(given(undefined)).toThrow('f: at: must be a path; got nothing')
})
