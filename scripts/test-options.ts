import { runInNewContext } from 'node:vm'

import { describe, expect, test } from 'vitest'

import { type OptionRow, optionRows } from './option-rows.ts'

/** The observable effect of an option, without it and with other values. */
export interface Behaviour<O> {
  /** Observes something that the option decides. */
  readonly see: (changes: Partial<O>) => Promise<unknown>
  /** The observation without the option. For a required option, with the value of the test. */
  readonly before: unknown
  /** The observation with another value. */
  readonly after: readonly (readonly [changes: Partial<O>, seen: unknown])[]
}

/** One behaviour for each option. */
export type Behaviours<O> = { readonly [K in keyof Required<O>]: Behaviour<O> }

/** A function with a section in docs/options.md. */
export interface DocumentedFunction<O> {
  readonly name: string
  readonly create: (options: O) => unknown
  /** The required options. */
  readonly sound: O
  /** By the name in the first column. */
  readonly behaviours: Readonly<Record<string, Behaviour<O>>>
  /** Returns the resolved options. Absent: passing the documented default must have the same effect as leaving the option out. */
  readonly resolve?: (options: O) => unknown
}

/** Tests that the default in docs/options.md is right, and that another value has another effect. */
export function testOptions<O extends object>({
  name,
  create,
  sound,
  behaviours,
  resolve,
}: DocumentedFunction<O>): void {
  const rows = optionRows(name)

  test('every row has a behaviour in the test, and every behaviour a row', () => {
    expect(rows.map(({ option }) => option).toSorted()).toEqual(Object.keys(behaviours).toSorted())
  })

  test.each(rows.filter(isRequired))('$option must be given', ({ option }) => {
    expect(() => create(without(sound, option) as O)).toThrow(new RegExp(`^${name}: ${option}: must be `))
  })

  test.each(rows.filter((row) => !isRequired(row)))('$option may be absent', ({ option }) => {
    expect(at(sound, option)).toBeUndefined()
  })

  const inCode = rows.filter((row) => valueOf(row) !== undefined)
  test.each(resolve ? inCode : [])('$option is $absent', (row) => {
    expect(at(resolve?.(sound), row.option)).toEqual(valueOf(row))
  })
  test.each(resolve ? [] : inCode)('$option: $absent does what the absent option does', async (row) => {
    const { see, before } = behaviours[row.option] ?? { see: async () => 'no behaviour', before: undefined }
    expect(await see({ [row.option]: valueOf(row) } as Partial<O>)).toEqual(before)
  })

  describe('what it does', () => {
    test.each(Object.entries(behaviours))('%s', async (_, { see, before, after }) => {
      expect(await see({})).toEqual(before)
      expect(after.length).toBeGreaterThan(0)
      for (const [changes, seen] of after) expect(await see(changes)).toEqual(seen)
    })
  })
}

const isRequired = ({ absent }: OptionRow): boolean => /^(?:creation fails|required)\b/.test(absent)

/** The value at the beginning of a row, as JSON. `undefined`: the row has only words. */
function valueOf({ absent }: OptionRow): unknown {
  const [, code] = /^`([^`]+)`(?=$|[,:;.])/.exec(absent) ?? []
  return code === undefined || code.endsWith(')')
    ? undefined
    : (JSON.parse(JSON.stringify(runInNewContext(`(${code})`))) as unknown)
}

const at = (value: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], value)

function without(options: object, path: string): object {
  const [name = '', inner] = path.split('.')
  const { [name as keyof typeof options]: part, ...others } = options
  return inner === undefined ? others : { ...others, [name]: without(part, inner) }
}
