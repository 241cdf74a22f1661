import { expect, test } from 'vitest'

import { addToList } from '../../../src/http/field-values.ts'

test.each([
  ['Origin', 'X-Org-Name, X-API-Version', 'Origin, X-Org-Name, X-API-Version'],
  ['accept-encoding, Origin', 'X-Org-Name, Accept-Encoding', 'accept-encoding, Origin, X-Org-Name'],
  ['Origin,,', ' X-Org-Name ,', 'Origin, X-Org-Name'],
  ['', 'X-Org-Name', 'X-Org-Name'],
  ['Origin', '', 'Origin'],
  ['*', 'X-Org-Name', '*'],
  ['Origin', '*', '*'],
])('%j and %j give %j', (present, added, both) => {
  expect(addToList(present, added)).toBe(both)
})
