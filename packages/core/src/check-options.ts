import * as z from 'zod'

import { nearestName } from './nearest-name.ts'

/**
 * One check for each member of an options type. The compiler refuses a member without a check, a check without a member
 * and a check of another type.
 */
export type OptionChecks<O> = {
  readonly [K in keyof O]-?: object extends Pick<O, K> ? z.ZodOptional<z.ZodType<O[K]>> : z.ZodType<O[K]>
}

/** A check of one option. */
export type OptionCheck<V> = z.ZodType<V>

const documentation = 'https://github.com/sallyport/sallyport/blob/main/docs/options.md'

/**
 * Checks the options of a public function.
 *
 * @param caller - the name of the function. Every message begins with it, and docs/options.md has a heading for it
 * @throws TypeError with a line for each wrong option: what it must be and what it is; and a link to the documentation
 */
export function checkOptions(caller: string, options: unknown, check: OptionCheck<unknown>): void {
  const { error } = check.safeParse(options)
  if (error) throw wrongOptions(caller, error.issues.flatMap(explain))
}

/**
 * Creates the error for wrong options.
 *
 * @param faults - one for each wrong option: `option: must be …; got …`
 */
export function wrongOptions(caller: string, faults: readonly string[]): TypeError {
  // Only the first fault of each option is shown: fixing it often fixes the others.
  const first = new Map<string, string>()
  for (const fault of faults) {
    const name = fault.slice(0, fault.indexOf(':'))
    if (!first.has(name)) first.set(name, `${caller}: ${fault}`)
  }
  return new TypeError([...first.values(), `  see ${documentation}#${caller.toLowerCase()}`].join('\n'))
}

function explain(issue: z.core.$ZodIssue): readonly string[] {
  const path = issue.path.map(String)
  const fault = (names: readonly string[], text: string): string => `${names.join('.') || 'options'}: ${text}`
  if (issue.code === 'invalid_key') return [fault(path, issue.issues[0]?.message ?? issue.message)]
  if (issue.code !== 'unrecognized_keys') return [fault(path, issue.message)]
  const known = issue.message.split(' ')
  return issue.keys.map((key) => fault([...path, key], unknownOption(key, known)))
}

// ── Checks. `what` completes the sentence "must be …". A string is shown only if the option takes one that is not secret. ─

/** A value that `isRight` accepts. */
export function accept<V>(
  what: string,
  isRight: (value: unknown) => value is V,
  show: (value: unknown) => string = kindOf,
): OptionCheck<V> {
  return z.custom<V>(isRight, { error: ({ input }) => mustBe(what, show(input)) })
}

/**
 * An object with these members.
 *
 * @param others - whether it may have other members, which are not checked. Default is `'refused'`
 */
export function object<O extends object>(
  what: string,
  checks: OptionChecks<O>,
  others: 'refused' | 'allowed' = 'refused',
): OptionCheck<O> {
  const params: z.core.$ZodObjectParams = {
    error: ({ code, input }) =>
      code === 'unrecognized_keys' ? Object.keys(checks).join(' ') : mustBe(what, kindOf(input)),
  }
  const members = others === 'refused' ? z.strictObject(checks, params) : z.looseObject(checks, params)
  return z.custom<O>().superRefine((value, context) => {
    passOn(context, members.safeParse(value))
  })
}

function passOn(context: z.RefinementCtx, { error }: z.ZodSafeParseResult<unknown>): void {
  for (const { input: _, ...issue } of error?.issues ?? []) context.addIssue({ ...issue })
}

/** A string that is not empty. */
export const text = (what: string): OptionCheck<string> => accept(what, isText, shown)

/** A secret string that is not empty. The message shows neither a string nor a number that was given. */
export const secret = (what: string): OptionCheck<string> =>
  accept(what, isText, (value) => (typeof value === 'number' ? 'a number' : kindOf(value)))

/** A whole number. */
export const whole = (what: string, least: number, most: number): OptionCheck<number> =>
  accept(
    `${what}: a whole number from ${least} to ${most}`,
    (value): value is number =>
      Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most,
  )

/** Whole milliseconds. A value below `least` is probably in seconds, so the message names the unit. */
export const milliseconds = (what: string, least: number, most = 2_147_483_647): OptionCheck<number> =>
  whole(`${what} in milliseconds (1 s is 1000)`, least, most)

/** As {@link milliseconds}, but 0 is allowed because it has a meaning of its own. */
export const millisecondsOrNone = (what: string, least: number, most: number): OptionCheck<number> =>
  accept(
    `0, or ${what} in milliseconds (1 s is 1000): a whole number from ${least} to ${most}`,
    (value): value is number =>
      value === 0 || (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most),
  )

/** `true` or `false`. */
export const flag: OptionCheck<boolean> = accept('true or false', (value) => typeof value === 'boolean')

/** A valid Date. A date in the first months of 1970 was probably made from seconds, so it is refused and the message says so. */
export const date: OptionCheck<Date> = accept(
  'a valid Date',
  (value): value is Date =>
    value instanceof Date && !Number.isNaN(value.getTime()) && !isSeconds(value.getTime()),
  (value) =>
    value instanceof Date && isSeconds(value.getTime())
      ? `${value.toISOString()}: new Date() takes milliseconds, not seconds`
      : kindOf(value),
)

/** A clock: a function that returns milliseconds since the epoch. It is called once; an error that it throws is ignored here. */
export const clock: OptionCheck<() => number> = accept(
  'a function () => milliseconds since the epoch',
  (value): value is () => number => {
    const at = readClock(value)
    return typeof at === 'number' && !isSeconds(at)
  },
  (value) => {
    const at = readClock(value)
    if (at === undefined) return kindOf(value)
    return `one that returns ${isSeconds(at) ? 'seconds, ' : ''}${kindOf(at)}`
  },
)

function readClock(value: unknown): unknown {
  if (typeof value !== 'function') return undefined
  try {
    return Reflect.apply(value, undefined, []) as unknown
  } catch {
    return Number.NaN
  }
}

/** The numbers that are times from 2 January 1970 to March 1973 in milliseconds, but from 1973 to 5138 in seconds. */
const isSeconds = (value: unknown): boolean => typeof value === 'number' && value > 1e8 && value < 1e11

/** A function. */
export const fn = <F>(signature: string): OptionCheck<F> =>
  accept(`a function ${signature}`, (value): value is F => typeof value === 'function')

/** An object with these methods, such as a port. */
export const withMethods = <P>(what: string, ...methods: readonly string[]): OptionCheck<P> =>
  accept(
    what,
    (value): value is P =>
      isObject(value) && methods.every((name) => typeof Reflect.get(value, name) === 'function'),
  )

/** An instance of a class. */
export const instanceOf = <C>(what: string, made: abstract new (...args: never[]) => C): OptionCheck<C> =>
  accept(what, (value): value is C => value instanceof made)

/** One of these values. */
export const oneOf = <const V extends string>(...values: readonly V[]): OptionCheck<V> =>
  accept(
    values.map((value) => shown(value)).join(' or '),
    (value): value is V => values.some((one) => one === value),
    shown,
  )

/** A list of at least one item. */
export const listOf = <V>(what: string, item: OptionCheck<V>): OptionCheck<readonly V[]> =>
  accept(
    what,
    (value): value is readonly V[] =>
      Array.isArray(value) && value.length > 0 && value.every((one) => item.safeParse(one).success),
    shownList,
  )

/** An object with any names that match `name`. The same check applies to every value. */
export const mapOf = <V>(
  what: string,
  name: RegExp,
  value: OptionCheck<V>,
): OptionCheck<Readonly<Record<string, V>>> =>
  z.record(z.string().regex(name, { error: ({ input }) => mustBe(what, shown(input)) }), value, {
    error: ({ input }) => mustBe(what, kindOf(input)),
  })

/** A value that passes `check` and a further condition. */
export const refine = <V>(
  what: string,
  check: OptionCheck<V>,
  isRight: (value: V) => boolean,
  show: (value: V) => string = kindOf,
): OptionCheck<V> =>
  z.custom<V>().superRefine((value, context) => {
    const result = check.safeParse(value)
    if (!result.success) passOn(context, result)
    else if (!isRight(value)) context.addIssue({ code: 'custom', message: mustBe(what, show(value)) })
  })

/** A value whose check depends on the value itself. */
export const choose = <V>(checkFor: (value: unknown) => OptionCheck<V>): OptionCheck<V> =>
  z.custom<V>().superRefine((value, context) => passOn(context, checkFor(value).safeParse(value)))

/** An object that is one of several kinds. The member `by` names the kind. */
export const variants = <V>(
  what: string,
  by: string,
  kinds: Readonly<Record<string, OptionCheck<V>>>,
): OptionCheck<V> =>
  z.custom<V>().superRefine((value, context) => {
    const kind: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, by) : undefined
    const check = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
    if (check) passOn(context, check.safeParse(value))
    else context.addIssue({ code: 'custom', message: mustBe(what, kindOf(value)) })
  })

/** A value that passes one of two checks. The message is made from `what`, not from theirs. */
export const either = <A, B>(
  what: string,
  one: OptionCheck<A>,
  other: OptionCheck<B>,
  show?: (value: unknown) => string,
): OptionCheck<A | B> =>
  accept(
    what,
    (value): value is A | B => one.safeParse(value).success || other.safeParse(value).success,
    show,
  )

const mustBe = (what: string, got: string): string => `must be ${what}; got ${got}`

/** Describes a value for a message. Shows a string of up to 40 characters; never use it for secrets. */
export function shown(value: unknown): string {
  if (typeof value !== 'string' || value === '') return kindOf(value)
  return value.length > 40 ? `a string of ${value.length} characters` : `'${value}'`
}

/** As {@link shown}, and for an array each item. */
export const shownList = (value: unknown): string =>
  Array.isArray(value) ? `[${value.map(shown).join(', ')}]` : shown(value)

/** Describes a value for a message without showing a string. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === '') return 'an empty string'
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : 'a Date'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'function')
    return isFactory(value) ? `the function ${value.name} itself: call it` : 'a function'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** Whether a function has the name of one in these packages that returns an option. It must be called first. */
const isFactory = (value: { readonly name: string }): boolean =>
  /^create[A-Z]|^(?:problemDetails|codedErrors|validationErrors)$/.test(value.name)

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** The message for an unknown option. It suggests the most similar option, or lists all of them. */
function unknownOption(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known)
  if (nearest !== undefined) return `is not an option; did you mean ${nearest}?`
  return `is not an option; must be one of ${known.join(', ')}`
}
