import { type BigIntStats, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { positionCoded } from '@sallyport/core/testing'
import { describe, expect, test, vi } from 'vitest'

import { type NodeCallback, type Disk, nodeDisk } from '../../src/filesystem/disk.ts'
import { createThreads } from '../../src/filesystem/threads.ts'
import { createMemoryBudget } from '../../src/memory-budget.ts'
import { diskError, storeOn, watchedDisk } from './disks.ts'
import { temporaryFolder } from './temporary-folder.ts'

const SIZE = 400_000
const anything = statSync('/', { bigint: true })
const signal = new AbortController().signal

async function rootWithFile(size: number = SIZE): Promise<string> {
  const root = await temporaryFolder()
  await writeFile(join(root, 'a'), positionCoded(size))
  return root
}

async function readAll(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array> = []): Promise<Buffer> {
  const copies: Uint8Array[] = []
  for await (const chunk of chunks) copies.push(Uint8Array.from(chunk))
  return Buffer.concat(copies)
}

const few: Disk['read'] = (descriptor, into, offset, length, position, called) =>
  nodeDisk.read(descriptor, into, offset, Math.min(length, 7_001), position, called)

describe('a disk that returns short reads', () => {
  test.each([SIZE, 60_000])('%d bytes are exact all the same', async (size) => {
    const root = await rootWithFile(size)
    const { disk, opened, closed } = watchedDisk({ read: few })
    const store = storeOn(root, { disk })
    const object = await store.get('a', {}, signal)
    expect(await readAll(object?.chunks)).toEqual(Buffer.from(positionCoded(size)))
    const range = { first: 1_000, last: size - 2_000 }
    const part = await store.get('a', { range, borrow: true }, signal)
    expect(await readAll(part?.chunks)).toEqual(
      Buffer.from(positionCoded(size).subarray(1_000, size - 1_999)),
    )
    expect(closed).toEqual(opened)
  })
})

describe('a disk that fails', () => {
  const failAt = (nth: number, code: string): Disk['read'] => {
    let reads = 0
    return (descriptor, into, offset, length, position, called) =>
      ++reads === nth
        ? called(diskError(code), 0)
        : nodeDisk.read(descriptor, into, offset, length, position, called)
  }

  test.each([
    ['in its first read', SIZE, 1],
    ['in a later read', SIZE, 2],
    ['in the only read of a small file', 1_000, 1],
  ])('%s: unavailable, without its words, and the descriptor is closed once', async (_, size, nth) => {
    const { disk, opened, closed } = watchedDisk({ read: failAt(nth, 'EIO') })
    const store = storeOn(await rootWithFile(size), { disk })
    const error: unknown = await store
      .get('a', {}, signal)
      .then((object) => readAll(object?.chunks))
      .catch((error: unknown) => error)
    expect(error).toMatchObject({ message: 'unavailable', cause: { code: 'EIO' } })
    expect(JSON.stringify(error)).not.toContain('secret')
    expect(closed).toEqual(opened)
  })

  test('a later fstat that fails is unavailable, too', async () => {
    const { disk, opened, closed } = watchedDisk({
      fstatAgain: (_, __, called) => called(diskError('EIO'), anything),
    })
    const object = await storeOn(await rootWithFile(), { disk }).get('a', {}, signal)
    await expect(readAll(object?.chunks)).rejects.toThrow('unavailable')
    expect(closed).toEqual(opened)
  })

  test('a first fstat that fails closes the descriptor', async () => {
    const { disk, opened, closed } = watchedDisk({
      fstat: (_, called) => called(diskError('EIO'), anything),
    })
    await expect(storeOn(await rootWithFile(), { disk }).get('a', {}, signal)).rejects.toThrow('unavailable')
    expect([opened.length, closed]).toEqual([1, opened])
  })
})

describe('checks of the open file', () => {
  test('once after the last byte, and once for every second of reading', async () => {
    let looks = 0
    let clock = 0
    const { disk } = watchedDisk({
      fstatAgain: (...call) => {
        looks++
        nodeDisk.fstatAgain(...call)
      },
    })
    const store = storeOn(await rootWithFile(600_000), { disk, now: () => clock })
    const seen: number[] = []
    for await (const _ of (await store.get('a', {}, signal))?.chunks ?? []) {
      seen.push(looks)
      clock += 500
    }
    // 600,000 bytes are seven chunks, read at 0, 500, 1,000 … ms: looked at again at 1,000, 2,000 and the last.
    expect([seen, looks]).toEqual([[0, 0, 1, 1, 2, 2, 3], 3])
  })
})

/** A disk whose reads hang, each until it is let go. */
function hangingDisk(): ReturnType<typeof watchedDisk> & { readonly hanging: (() => void)[] } {
  const hanging: (() => void)[] = []
  const watched = watchedDisk({
    read: (descriptor, into, offset, length, position, called) =>
      void hanging.push(() => nodeDisk.read(descriptor, into, offset, length, position, called)),
  })
  return { ...watched, hanging }
}

describe('a disk that hangs', () => {
  test('close rejects the pending read at once; the descriptor is closed once, when the disk has finished', async () => {
    const { disk, hanging, opened, closed } = hangingDisk()
    const object = await storeOn(await rootWithFile(), { disk }).get('a', {}, signal)
    const pending = object?.chunks[Symbol.asyncIterator]().next()
    await vi.waitFor(() => expect(hanging).toHaveLength(1))
    object?.close()
    object?.close()
    await expect(pending).rejects.toThrow('unavailable')
    expect([opened.length, closed.length]).toEqual([1, 0])
    hanging[0]?.()
    await vi.waitFor(() => expect(closed).toEqual(opened))
  })

  test('a read that was started early and never awaited is released in the same way', async () => {
    const size = 7_000_000
    const hanging: (() => void)[] = []
    const { disk, opened, closed } = watchedDisk({
      read: (...call) => {
        const [, , , , position] = call
        if (position < 6_000_000) nodeDisk.read(...call)
        else hanging.push(() => nodeDisk.read(...call))
      },
    })
    const object = await storeOn(await rootWithFile(size), { disk }).get('a', { borrow: true }, signal)
    const chunks = object?.chunks[Symbol.asyncIterator]()
    let last: Uint8Array = new Uint8Array()
    let at = 0
    while (hanging.length === 0) {
      const step: IteratorResult<Uint8Array, void> | undefined = await chunks?.next()
      last = step?.value ?? new Uint8Array()
      at += last.length
    }
    object?.close()
    const borrowed = Buffer.from(positionCoded(size).subarray(at - last.length, at))
    expect(Buffer.from(last)).toEqual(borrowed)
    expect(closed).toEqual([])
    hanging[0]?.()
    await vi.waitFor(() => expect(closed).toEqual(opened))
    expect(Buffer.from(last)).toEqual(borrowed)
  })

  test('keeps its threads and no more; a waiting caller leaves when its signal fires', async () => {
    const { disk, hanging, opened, closed } = hangingDisk()
    const store = storeOn(await rootWithFile(1_000), { disk, threads: createThreads(() => 3) })
    const callers = Array.from({ length: 5 }, () => new AbortController())
    const calls = callers.map((caller) => store.get('a', {}, caller.signal).catch((error: unknown) => error))
    await vi.waitFor(() => expect(hanging).toHaveLength(3))
    for (const caller of callers) caller.abort('the caller left')
    expect(await Promise.all(calls)).toEqual(callers.map(() => 'the caller left'))
    expect([opened.length, closed.length]).toEqual([3, 0])
    for (const continueRead of hanging.splice(0)) continueRead()
    await vi.waitFor(() => expect([closed.length, new Set(closed)]).toEqual([opened.length, new Set(opened)]))
    const after = store.get('a', {}, signal)
    await vi.waitFor(() => expect(hanging).toHaveLength(1))
    hanging[0]?.()
    expect(await readAll((await after)?.chunks)).toHaveLength(1_000)
  })

  test('close releases a download that waits for a thread', async () => {
    const { disk, hanging, opened, closed } = hangingDisk()
    const store = storeOn(await rootWithFile(), { disk, threads: createThreads(() => 1) })
    const first = await store.get('a', {}, signal)
    const second = await store.get('a', {}, signal)
    const reading = first?.chunks[Symbol.asyncIterator]().next()
    await vi.waitFor(() => expect(hanging).toHaveLength(1))
    const waiting = second?.chunks[Symbol.asyncIterator]().next()
    second?.close()
    await expect(waiting).rejects.toThrow('unavailable')
    hanging[0]?.()
    expect((await reading)?.value).toHaveLength(245_760)
    first?.close()
    hanging[1]?.()
    await vi.waitFor(() => expect([closed.length, new Set(closed)]).toEqual([opened.length, new Set(opened)]))
  })

  test('an open that hangs rejects when its signal fires, and its descriptor is closed when it comes', async () => {
    const hanging: (() => void)[] = []
    const { disk, opened, closed } = watchedDisk({
      open: (...call) => void hanging.push(() => nodeDisk.open(...call)),
    })
    const root = await rootWithFile()
    const store = storeOn(root, { disk })
    const caller = new AbortController()
    const calls = [store.get('a', {}, caller.signal), store.head('a', caller.signal)]
    const settled = Promise.all(calls.map((call) => call.catch((error: unknown) => error)))
    await vi.waitFor(() => expect(hanging).toHaveLength(2))
    caller.abort('the caller left')
    expect(await settled).toEqual(['the caller left', 'the caller left'])
    for (const continueRead of hanging) continueRead()
    await vi.waitFor(() => expect([opened.length, closed.length]).toEqual([2, 2]))
  })
})

describe('without procfs', () => {
  const pathOf = (): string => {
    throw diskError('ENOENT')
  }

  test('the path must be a real path', async () => {
    const root = await rootWithFile()
    const { disk, opened, closed } = watchedDisk({ pathOf })
    expect(await storeOn(root, { disk }).head('a', signal)).toMatchObject({ size: SIZE })
    const realpath: Disk['realpath'] = (path, called) => called(null, `${path}/elsewhere`)
    const led = watchedDisk({ pathOf, realpath })
    await expect(storeOn(root, { disk: led.disk }).get('a', {}, signal)).rejects.toThrow('upstream_error')
    expect([closed, led.closed]).toEqual([opened, led.opened])
  })

  test('the path must still lead to the opened file', async () => {
    const stat = (path: string, called: NodeCallback<BigIntStats>): void =>
      nodeDisk.stat(path, (error, stats) => called(error, Object.assign(stats, { ino: stats.ino + 1n })))
    const { disk, opened, closed } = watchedDisk({ pathOf, stat })
    await expect(storeOn(await rootWithFile(), { disk }).get('a', {}, signal)).rejects.toThrow(
      'object_changed',
    )
    expect([opened.length, closed]).toEqual([1, opened])
  })

  test.each(['realpath', 'stat'] as const)('a disk that fails in %s is unavailable', async (call) => {
    const fails = {
      realpath: (_: string, called: NodeCallback<string>) => called(diskError('EIO'), ''),
      stat: (_: string, called: NodeCallback<BigIntStats>) => called(diskError('EIO'), anything),
    }
    const { disk, opened, closed } = watchedDisk({
      pathOf,
      [call]: fails[call],
    })
    await expect(storeOn(await rootWithFile(), { disk }).get('a', {}, signal)).rejects.toThrow('unavailable')
    expect([opened.length, closed]).toEqual([1, opened])
  })
})

test('a large download that is closed halfway releases its memory', async () => {
  const memory = createMemoryBudget(2_000_000)
  const object = await storeOn(await rootWithFile(9_000_000), { memory }).get('a', { borrow: true }, signal)
  let at = 0
  for await (const chunk of object?.chunks ?? []) {
    at += chunk.length
    if (chunk.length > 400_000) break
  }
  expect(at).toBeGreaterThan(5_000_000)
  object?.close()
  expect(memory.reserve(2_000_000)).toBe(true)
})

test('a download that is no longer read releases its memory when it is closed', async () => {
  const memory = createMemoryBudget(2_000_000)
  const object = await storeOn(await rootWithFile(9_000_000), { memory }).get('a', { borrow: true }, signal)
  const chunks = object?.chunks[Symbol.asyncIterator]()
  for (let nth = 0; nth < 90; nth++) await chunks?.next()
  expect(memory.reserve(2_000_000)).toBe(false)
  object?.close()
  expect(memory.reserve(2_000_000)).toBe(true)
})
