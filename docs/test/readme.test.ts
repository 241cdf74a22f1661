import { expect, test } from 'vitest'

import { textOf } from './blocks.ts'

test('the first 40 lines of README.md hold a whole service', () => {
  const screen = textOf('README.md').split('\n').slice(0, 40).join('\n')
  const [, code = ''] = /```ts\n(.*?)```/s.exec(screen) ?? []
  expect(code).toContain('createExportHandler(')
  expect(code).toContain('app.listen(3000)')
})
