import { expect, test } from 'vitest'

import { allowedMethods, checkMethod } from '../../src/steps/check-method.ts'
import { refused } from './refused.ts'

test.each(allowedMethods.split(', '))('%s is known', (method) => {
  expect(() => checkMethod(method)).not.toThrow()
})

test.each([
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'TRACE',
  'CONNECT',
  'get',
  'GET ',
  '',
  'GET, HEAD',
  '__proto__',
])('%j is not', (method) => {
  expect(refused(() => checkMethod(method))).toEqual({ kind: 'method_not_allowed' })
})
