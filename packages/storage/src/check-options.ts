import { accept, type OptionCheck, withMethods } from '@sallyport/core/check-options'
import * as check from '@sallyport/core/check-options'

import { isPrefix } from './object-key.ts'

/** Checks a `prefix`: segments that are put before every key. */
export const prefix: OptionCheck<string> = accept(
  "segments joined by '/', as in 'exports/acme'; none empty, '.' or '..', no backslash, no NUL",
  isPrefix,
  check.shown,
)

/** Checks how the keys of records are read. */
export const keys: OptionCheck<'strict' | 'literal'> = check.oneOf('strict', 'literal')

/** Checks the number of an AWS account. */
export const account: OptionCheck<string> = accept(
  'the 12 digits of an account',
  (value): value is string => typeof value === 'string' && /^\d{12}$/.test(value),
  check.shown,
)

/** Checks that a value is a store. */
export const store = <S>(): OptionCheck<S> => withMethods<S>('a store with head() and get()', 'head', 'get')
