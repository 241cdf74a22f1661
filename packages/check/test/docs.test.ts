import { expect, test } from 'vitest'

import { checksTable, textOf } from '../docs-tables.ts'

test('docs/check.md lists every check; `pnpm --filter @sallyport/check docs` writes the list', () => {
  expect(textOf('checks')).toBe(checksTable())
})
