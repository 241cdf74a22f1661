import { describe, expect, test } from 'vitest'

import { refuse } from '../../src/refusals.ts'
import { authenticate } from '../../src/steps/authenticate.ts'
import { ann } from './principals.ts'
import { refused, refusedLater } from './refused.ts'

describe('authenticate', () => {
  test.each([
    ['Bearer abc.def_~+/-=', 'abc.def_~+/-='],
    ['bearer abc', 'abc'],
    ['BEARER   abc', 'abc'],
  ])('%s', async (authorization, expected) => {
    const seen: string[] = []
    const verify = async (token: string): Promise<typeof ann> => {
      seen.push(token)
      return ann
    }
    expect(await authenticate(authorization, verify)).toBe(ann)
    expect(seen).toEqual([expected])
  })

  test.each([
    [undefined, { kind: 'token_missing' }],
    ['', { kind: 'token_missing' }],
    ['Basic abc', { kind: 'token_missing' }],
    ['Bearer', { kind: 'token_missing' }],
    ['Bearer ', { kind: 'token_missing' }],
    ['Bearerabc', { kind: 'token_missing' }],
    ['Bearer a b', { kind: 'token_invalid' }],
    ['Bearer a"b', { kind: 'token_invalid' }],
    ['Bearer =', { kind: 'token_invalid' }],
    [`Bearer ${'a'.repeat(8_193)}`, { kind: 'token_invalid' }],
    ['Bearer a, Bearer b', { kind: 'token_invalid', challenge: 'invalid_request' }],
  ])('%s is refused unverified', (authorization, detail) => {
    const verify = (): never => {
      throw new Error('it was verified')
    }
    expect(refused(() => authenticate(authorization, verify))).toEqual(detail)
  })

  test('what the verifier refuses with passes through', async () => {
    expect(await refusedLater(authenticate('Bearer a', async () => refuse('unavailable')))).toEqual({
      kind: 'unavailable',
    })
  })
})
