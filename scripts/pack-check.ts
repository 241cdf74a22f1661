import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

import { packAll, run } from './pack.ts'

// Checks the packages as they are published, because their content differs from the folder's. Needs a build.

const directory = mkdtempSync(join(tmpdir(), 'sallyport-pack-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
for (const tarball of packAll(directory)) {
  run('publint', ['--strict', tarball])
  run('attw', [tarball, '--profile', 'esm-only'])
  console.log(`ok  ${basename(tarball)}`)
}
