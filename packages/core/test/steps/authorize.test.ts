import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { authorize } from '../../src/steps/authorize.ts'
import { ann } from './principals.ts'
import { refused } from './refused.ts'

describe('authorize', () => {
  test.each([[['exports:download']], [['a', 'exports:download', 'b']]])('%j holds it', (capabilities) => {
    expect(() => authorize({ ...ann, capabilities }, 'exports:download')).not.toThrow()
  })

  test.each([
    [[]],
    [['exports:download-all']],
    [['exports']],
    [['EXPORTS:DOWNLOAD']],
    [['exports:download ']],
    [['exports:download exports:read']],
    [['*']],
  ])('%j does not', (capabilities) => {
    expect(refused(() => authorize({ ...ann, capabilities }, 'exports:download'))).toEqual({
      kind: 'capability_missing',
    })
  })

  test('nothing but the whole word is enough', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.string({ minLength: 1 }), (capabilities, capability) => {
        fc.pre(!capabilities.includes(capability))
        expect(refused(() => authorize({ ...ann, capabilities }, capability)).kind).toBe('capability_missing')
      }),
    )
  })
})
