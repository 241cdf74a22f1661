import { execFile } from 'node:child_process'
import { pbkdf2 } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { constants, open } from 'node:fs'
import { open as openFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { positionCoded } from '@sallyport/core/testing'
import { expect, test, vi } from 'vitest'

import { nodeDisk } from '../../src/filesystem/disk.ts'
import { allButOneThread, createThreads } from '../../src/filesystem/threads.ts'
import { storeOn, watchedDisk } from './disks.ts'
import { makePipe, temporaryFolder } from './temporary-folder.ts'

interface Opened {
  readonly opened: number
  readonly refused: readonly string[]
}

/** What out-of-descriptors.ts prints. */
interface Report {
  readonly first: Opened
  readonly bytes: number
  readonly second: Opened
}

test('while reads hang, names are still resolved and passwords hashed', async () => {
  const root = await temporaryFolder()
  await writeFile(join(root, 'a'), positionCoded(1_000))
  // A pipe that nobody writes to, opened without O_NONBLOCK, really holds a thread of libuv's pool.
  const pipe = makePipe(join(root, 'pipe'))
  let hanging = 0
  const { disk, opened, closed } = watchedDisk({
    read: (...call) => {
      hanging++
      open(pipe, constants.O_RDONLY, (_, descriptor) =>
        nodeDisk.close(descriptor, undefined, () => nodeDisk.read(...call)),
      )
    },
  })
  const limit = allButOneThread(process.env)
  const store = storeOn(root, { disk, threads: createThreads(() => limit) })
  const caller = new AbortController()
  const calls = Array.from({ length: 2 * limit }, () => store.get('a', {}, caller.signal))
  const settled = Promise.allSettled(calls)
  await vi.waitFor(() => expect(hanging).toBe(limit))

  expect((await lookup('localhost')).address).toMatch(/^127\.|^::1$/)
  expect(await promisify(pbkdf2)('a', 'b', 1, 16, 'sha256')).toHaveLength(16)

  caller.abort(new Error('the caller left'))
  expect((await settled).map((call) => call.status)).toEqual(calls.map(() => 'rejected'))
  const writer = await openFile(pipe, constants.O_RDWR)
  await vi.waitFor(() => expect([closed.length, opened.length]).toEqual([limit, limit]))
  await writer.close()
})

test('a volume that hangs does not stop the files of another', async () => {
  const [hung, healthy] = [await temporaryFolder(), await temporaryFolder()]
  for (const root of [hung, healthy]) await writeFile(join(root, 'a'), positionCoded(1_000))
  const threads = createThreads(() => 3)
  const hanging: (() => void)[] = []
  const { disk, opened, closed } = watchedDisk({
    read: (...call) => void hanging.push(() => nodeDisk.read(...call)),
  })
  const stores = { hung: storeOn(hung, { disk, threads }), healthy: storeOn(healthy, { threads }) }
  const { signal } = new AbortController()
  expect(await stores.healthy.head('a', signal)).toMatchObject({ size: 1_000 })
  const calls = Array.from({ length: 20 }, () => stores.hung.get('a', {}, signal))
  await vi.waitFor(() => expect(hanging).toHaveLength(2))
  for (let nth = 0; nth < 5; nth++) {
    const object = await stores.healthy.get('a', {}, signal)
    const chunks: Uint8Array[] = []
    for await (const chunk of object?.chunks ?? []) chunks.push(chunk)
    expect(Buffer.concat(chunks)).toEqual(Buffer.from(positionCoded(1_000)))
  }
  const healing = setInterval(() => hanging.splice(0).forEach((goOn) => goOn()), 1)
  for (const object of await Promise.all(calls)) object?.close()
  clearInterval(healing)
  expect([closed.length, opened.length]).toEqual([20, 20])
})

test('without free descriptors the store is unavailable, and it recovers by itself', async () => {
  const root = await temporaryFolder()
  await writeFile(join(root, 'large'), positionCoded(300_000))
  const script = fileURLToPath(new URL('./out-of-descriptors.ts', import.meta.url))
  const node = `ulimit -n 96; exec "${process.execPath}" --conditions=@sallyport/source "${script}" "${root}"`
  const { stdout } = await promisify(execFile)('sh', ['-c', node])
  const { first, bytes, second } = JSON.parse(stdout) as Report
  expect(first.refused).toEqual(['Error: unavailable'])
  expect(first.opened).toBeGreaterThan(10)
  expect(first.opened).toBeLessThan(96)
  expect(bytes).toBe(300_000)
  expect(second).toEqual(first)
})
