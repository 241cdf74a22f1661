import { expect, test } from 'vitest'

import { allowedMethods, checkMethod } from '../../src/steps/check-method.ts'
import { refused } from './refused.ts'

const routes = ['download', 'ticket'] as const

test.each(
  routes.flatMap((route) => allowedMethods[route].split(', ').map((method) => [route, method] as const)),
)('%s: %s is known', (route, method) => {
  expect(() => checkMethod(method, route)).not.toThrow()
})

test.each([
  ['download', 'POST'],
  ['ticket', 'GET'],
  ['ticket', 'HEAD'],
] as const)('%s: %s is not', (route, method) => {
  expect(refused(() => checkMethod(method, route))).toEqual({ kind: 'method_not_allowed' })
})

test.each(['PUT', 'PATCH', 'DELETE', 'TRACE', 'CONNECT', 'get', 'GET ', '', 'GET, HEAD', '__proto__'])(
  '%j is not',
  (method) => {
    for (const route of routes)
      expect(refused(() => checkMethod(method, route))).toEqual({ kind: 'method_not_allowed' })
  },
)
