import { expect, test } from 'vitest'

import type { Principal } from '../../src/ports.ts'
import { checkPrincipal } from '../../src/steps/check-principal.ts'
import { ann } from './principals.ts'
import { refused } from './refused.ts'

test('a principal is given back as it is', () => {
  expect(checkPrincipal(ann)).toBe(ann)
})

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['null', null],
  ['a name', 'ann'],
  ['no issuer', { ...ann, issuer: undefined }],
  ['an empty issuer', { ...ann, issuer: '' }],
  ['no subject', { ...ann, subject: undefined }],
  ['an empty subject', { ...ann, subject: '' }],
  ['a number for a subject', { ...ann, subject: 5 }],
  ['capabilities in one text', { ...ann, capabilities: 'exports:download-all' }],
  ['organizations in one text', { ...ann, organizations: 'acme' }],
  ['an organization that is a number', { ...ann, organizations: ['acme', 5] }],
  ['a capability that is a list', { ...ann, capabilities: [['exports:download']] }],
  ['organizations in a set', { ...ann, organizations: new Set(['acme']) }],
])('%s proves nobody', (_, principal) => {
  expect(refused(() => checkPrincipal(principal as Principal))).toEqual({
    kind: 'upstream_error',
    trouble: 'principal_malformed',
  })
})
