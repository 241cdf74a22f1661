import { statSync } from 'node:fs'
import { appendFile, mkdir, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { ExportStore, GetOptions } from '@sallyport/core'
import { describe, expect, test, vi } from 'vitest'

import type { FoundDisk } from '../../src/filesystem/disk.ts'
import { createWarmFiles } from '../../src/filesystem/warm-files.ts'
import { storeOn, watchedDisk } from './disks.ts'
import { heldOpenBelow, temporaryFolder } from './temporary-folder.ts'

const { signal } = new AbortController()

async function textOf(store: ExportStore, key: string, options: GetOptions = {}): Promise<string> {
  const object = await store.get(key, options, signal)
  let text = ''
  for await (const chunk of object?.chunks ?? []) text += Buffer.from(chunk).toString()
  object?.close()
  return text
}

/** A store on a disk that counts as local, with a file that was read once, and a clock. */
async function storeWithReadFile(content = 'content') {
  const root = await temporaryFolder()
  await mkdir(join(root, 'acme'))
  const path = join(root, 'acme', 'a')
  await writeFile(path, content)
  const clock = { now: 0, blocks: 0 }
  const { disk, opened } = watchedDisk()
  const store = storeOn(root, {
    disk,
    diskUnder: (path: string, called: FoundDisk) => called(disk, path, true),
    now: () => clock.now,
    blocksRead: () => clock.blocks,
  })
  const first = await textOf(store, 'acme/a')
  expect([first, opened.length]).toEqual([content, 1])
  /** How often files were opened on a pool thread after the first read. */
  const onThreads = (): number => opened.length - 1
  return { root, path, store, clock, onThreads }
}

describe.runIf(process.platform === 'linux')('a small file that was read a moment ago', () => {
  test('is read again without a thread: the whole, a range, and with its validator', async () => {
    const { root, store, onThreads } = await storeWithReadFile()
    const { validator } = (await store.head('acme/a', signal)) ?? { validator: '' }
    const before = onThreads()
    expect(await textOf(store, 'acme/a')).toBe('content')
    expect(await textOf(store, 'acme/a', { range: { first: 3, last: 5 } })).toBe('ten')
    expect(await textOf(store, 'acme/a', { ifMatch: validator })).toBe('content')
    expect(onThreads()).toBe(before)
    await vi.waitFor(() => expect(heldOpenBelow(root)).toEqual([]))
  })

  test('an empty file too', async () => {
    const { store, onThreads } = await storeWithReadFile('')
    expect(await textOf(store, 'acme/a')).toBe('')
    expect(onThreads()).toBe(0)
  })

  test('is read on a thread again after ten seconds', async () => {
    const { store, clock, onThreads } = await storeWithReadFile()
    clock.now = 10_000
    expect(await textOf(store, 'acme/a')).toBe('content')
    expect(onThreads()).toBe(1)
    expect(await textOf(store, 'acme/a')).toBe('content')
    expect(onThreads()).toBe(1)
  })

  test('gives the new bytes after it was replaced or written to', async () => {
    const { path, store, onThreads } = await storeWithReadFile()
    await writeFile(`${path}.new`, 'another')
    await rename(`${path}.new`, path)
    expect(await textOf(store, 'acme/a')).toBe('another')
    await appendFile(path, ' one')
    expect(await textOf(store, 'acme/a')).toBe('another one')
    expect(onThreads()).toBe(2)
  })

  test('is missing after it was deleted', async () => {
    const { path, store } = await storeWithReadFile()
    await unlink(path)
    expect(await store.get('acme/a', {}, signal)).toBeUndefined()
  })

  test('is refused once its folder is a symbolic link', async () => {
    const { root, store } = await storeWithReadFile()
    await rename(join(root, 'acme'), join(root, 'moved'))
    await symlink(join(root, 'moved'), join(root, 'acme'))
    await expect(store.get('acme/a', {}, signal)).rejects.toThrow('upstream_error')
    await rm(join(root, 'acme'))
  })

  test('is refused as on a thread: another validator, a range outside', async () => {
    const { root, store } = await storeWithReadFile()
    await expect(store.get('acme/a', { ifMatch: '1-1' }, signal)).rejects.toThrow('object_changed')
    const outside = { range: { first: 5, last: 7 } }
    await expect(store.get('acme/a', outside, signal)).rejects.toThrow('upstream_error')
    await vi.waitFor(() => expect(heldOpenBelow(root)).toEqual([]))
  })

  test('is not opened for a caller that has left', async () => {
    const { store } = await storeWithReadFile()
    await expect(store.get('acme/a', {}, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
  })
})

test('a file of more than 64 KiB, and a file of which a part was read, are read on threads', async () => {
  const { store, onThreads } = await storeWithReadFile('x'.repeat(65_537))
  await textOf(store, 'acme/a', { range: { first: 0, last: 9 } })
  await textOf(store, 'acme/a', { range: { first: 0, last: 9 } })
  expect(onThreads()).toBe(2)
})

describe.runIf(process.platform === 'linux')('reads that wait', () => {
  /** A table with one warm file, whose reads take `ms` and read `blocks` from the disk. */
  async function slowTable(ms: number, blocks: number) {
    const root = await temporaryFolder()
    const path = join(root, 'a')
    await writeFile(path, 'content')
    let [now, blocksRead] = [0, 0]
    const table = createWarmFiles(
      () => now,
      () => blocksRead,
    )
    const stats = statSync(path, { bigint: true })
    table.remember(path, stats)
    const read = (): boolean => {
      const found = table.reread(path, () => {
        now += ms
        blocksRead += blocks
        return { first: 0, last: 6 }
      })
      return found !== undefined
    }
    const wait = (passed: number): void => {
      now += passed
      table.remember(path, stats)
    }
    return { read, wait }
  }

  test('for the disk end synchronous reading, until they took a twentieth of the time', async () => {
    const { read, wait } = await slowTable(20, 1)
    expect([read(), read(), read(), read()]).toEqual([true, true, true, false])
    wait(100)
    expect(read()).toBe(false)
    wait(200)
    expect([read(), read()]).toEqual([true, false])
  })

  test('for the CPU do not: they would wait for it on a thread too', async () => {
    const { read } = await slowTable(20, 0)
    expect([read(), read(), read(), read()]).toEqual([true, true, true, true])
  })

  test('for longer than any CPU is busy do, whatever the system counts', async () => {
    const { read } = await slowTable(201, 0)
    expect([read(), read()]).toEqual([true, false])
  })
})
