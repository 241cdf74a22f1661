import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { blocks, root } from './blocks.ts'

// The tests of testing.md pass, as they stand, in one module.

const code = blocks
  .filter(({ document, language }) => document === 'docs/testing.md' && language === 'ts')
  .map((block) => block.code)
  .join('\n')

test('the tests of testing.md pass', { timeout: 60_000 }, () => {
  const args = ['--conditions=@sallyport/source', '--input-type=module-typescript', '-']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: join(root, 'docs'),
    input: code,
    encoding: 'utf8',
    timeout: 50_000,
  })
  expect(`${stdout}${stderr}`).toContain('pass 4')
  expect(status).toBe(0)
})
