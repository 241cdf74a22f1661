import { statSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import { expect, test, vi } from 'vitest'

import { type NodeCallback, type Disk, nodeDisk } from '../../src/filesystem/disk.ts'
import { createFiles } from '../../src/filesystem/files.ts'
import { diskUnder, localDisk } from '../../src/filesystem/local-disk.ts'
import { createThreads } from '../../src/filesystem/threads.ts'
import { createMemoryBudget } from '../../src/memory-budget.ts'
import { diskError, storeOn } from './disks.ts'
import { temporaryFolder } from './temporary-folder.ts'

const { signal } = new AbortController()

/** A disk whose root hangs: each search for it waits until it is let go. */
function hangingRoot(): { readonly disk: Disk; readonly searches: NodeCallback<string>[] } {
  const searches: NodeCallback<string>[] = []
  return { searches, disk: { ...nodeDisk, realpath: (_, called) => void searches.push(called) } }
}

test('a store that is never used makes no call on its volume', () => {
  const { disk, searches } = hangingRoot()
  storeOn('/hung', {}, disk)
  expect(searches).toEqual([])
})

test('a root that hangs takes one thread, and each caller leaves when its signal fires', async () => {
  const { disk, searches } = hangingRoot()
  const threads = createThreads(() => 3)
  const hung = storeOn('/hung', { threads }, disk)
  const folder = await temporaryFolder()
  writeFileSync(join(folder, 'a'), 'content')
  const other = storeOn(folder, { threads })
  const caller = new AbortController()
  const calls = Array.from({ length: 20 }, () => hung.get('a', {}, caller.signal))
  const settled = Promise.allSettled(calls)
  expect(searches).toHaveLength(1)

  expect(await other.head('a', signal)).toMatchObject({ size: 7 })
  const gone = new Error('deadline')
  caller.abort(gone)
  expect(await settled).toEqual(calls.map(() => ({ status: 'rejected', reason: gone })))
  await expect(hung.head('a', caller.signal)).rejects.toBe(gone)
  expect(searches).toHaveLength(1)

  searches[0]?.(null, folder)
  expect(await hung.head('a', signal)).toMatchObject({ size: 7 })
  expect(searches).toHaveLength(1)
})

test('a statfs that hangs holds its thread until it ends, but no caller', async () => {
  const looks: (() => void)[] = []
  const threads = createThreads(() => 1)
  const folder = await temporaryFolder()
  writeFileSync(join(folder, 'a'), 'content')
  const hung = storeOn(folder, {
    threads,
    diskUnder: (path, called) => void looks.push(() => called(nodeDisk, path, false)),
  })
  const caller = new AbortController()
  const call = hung.head('a', caller.signal)
  await vi.waitFor(() => expect(looks).toHaveLength(1))
  caller.abort(new Error('deadline'))
  await expect(call).rejects.toThrow('deadline')
  const late = hung.head('a', signal)
  looks[0]?.()
  expect(await late).toMatchObject({ size: 7 })
})

test('a root that fails is searched for again at the next call', async () => {
  const folder = await temporaryFolder()
  writeFileSync(join(folder, 'a'), 'content')
  let searches = 0
  const realpath: Disk['realpath'] = (path, called) =>
    searches++ === 0 ? called(diskError('EIO'), '') : nodeDisk.realpath(path, called)
  const store = storeOn(folder, {}, { ...nodeDisk, realpath })
  await expect(store.head('a', signal)).rejects.toMatchObject({ message: 'unavailable' })
  expect(await store.head('a', signal)).toMatchObject({ size: 7 })
})

test.runIf(process.platform === 'linux')(
  'a root on a local disk that appears later is local as well',
  async () => {
    // A tmpfs, because the folder for temporary files may be on a filesystem that is not known as local.
    const root = join(await temporaryFolder('/dev/shm'), 'later')
    const disks: Disk[] = []
    const store = createFiles(root, 'refuse', {
      disk: nodeDisk,
      diskUnder: (path, called) =>
        diskUnder(path, (disk, volume, isLocal) => {
          disks.push(disk)
          called(disk, volume, isLocal)
        }),
      threads: createThreads(() => 1),
      memory: createMemoryBudget(1_000_000),
      now: () => 0,
      blocksRead: () => 0,
    })
    await expect(store.head('a', signal)).rejects.toThrow('unavailable')
    await mkdir(root)
    writeFileSync(join(root, 'a'), 'content')
    expect(await store.head('a', signal)).toMatchObject({ size: 7 })
    expect(disks).toHaveLength(1)
    expect(disks[0]).not.toBe(nodeDisk)
    expect(Object.keys(disks[0] ?? {})).toEqual(Object.keys(localDisk(statSync(root, { bigint: true }).dev)))
  },
)
