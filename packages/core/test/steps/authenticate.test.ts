import { describe, expect, test } from 'vitest'

import { refuse } from '../../src/refusals.ts'
import { authenticate } from '../../src/steps/authenticate.ts'
import { ann } from './principals.ts'
import { refused, refusedLater } from './refused.ts'

/** The error that a call throws; fails where it throws none. */
function thrown(call: () => unknown): Error {
  try {
    call()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('nothing was thrown')
}

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
    [`Bearer ${'a'.repeat(65_537)}`, { kind: 'token_invalid' }],
    ['Bearer a, Bearer b', { kind: 'token_invalid', challenge: 'invalid_request' }],
  ])('%.40s is refused unverified', (authorization, detail) => {
    const verify = (): never => {
      throw new Error('it was verified')
    }
    expect(refused(() => authenticate(authorization, verify))).toEqual(detail)
  })

  test.each([
    ['Bearer hush hush', 'the bearer credentials are not one token68 (RFC 6750 §2.1)'],
    [`Bearer ${'hush'.repeat(20_000)}`, 'the bearer credentials have 80007 characters, more than 65536'],
    ['Bearer hush, Bearer hush', 'the Authorization field holds a comma: it was sent twice, or is malformed'],
  ])('%.30s is refused with a cause that holds nothing of the token', (authorization, says) => {
    const cause = thrown(() => authenticate(authorization, async () => ann)).cause
    expect(cause).toBeInstanceOf(Error)
    expect(cause).toHaveProperty('message', says)
    expect(cause).toHaveProperty('stack', `Error: ${says}`) // capturing a stack would dominate the cost
  })

  test('what the verifier refuses with passes through', async () => {
    expect(await refusedLater(authenticate('Bearer a', async () => refuse('unavailable')))).toEqual({
      kind: 'unavailable',
    })
  })
})
