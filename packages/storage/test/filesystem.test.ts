import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { storeContract } from '@sallyport/core/testing'
import { describe, expect, test } from 'vitest'

import { createFilesystemStore } from '../src/filesystem.ts'
import { temporaryFolder } from './filesystem/temporary-folder.ts'

describe.each([
  ['written under another name and renamed', '.new'],
  ['written in place', ''],
])('with files %s it keeps the store contract', (_, suffix) => {
  const cases = storeContract(async () => {
    const root = await temporaryFolder()
    return {
      store: createFilesystemStore({ root }),
      async put(key, bytes) {
        const path = join(root, key)
        await mkdir(dirname(path), { recursive: true })
        await writeFile(path + suffix, bytes)
        await rename(path + suffix, path)
      },
      remove: (key) => rm(join(root, key), { force: true }),
    }
  })
  test.each(cases)('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})
