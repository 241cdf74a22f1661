import { fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, test, vi } from 'vitest'

import { type Disk, nodeDisk } from '../../src/filesystem/disk.ts'
import { diskUnder, localDisk, hasNoMountBelow } from '../../src/filesystem/local-disk.ts'
import { heldOpenBelow, temporaryFolder } from './temporary-folder.ts'

const opened = async (): Promise<{ root: string; path: string; descriptor: number; device: bigint }> => {
  const root = await temporaryFolder()
  const path = join(root, 'a')
  await writeFile(path, 'content')
  return { root, path, descriptor: openSync(path, 'r'), device: statSync(path, { bigint: true }).dev }
}
/** Whether a call ends before it returns. */
const isAtOnce = (call: (called: () => void) => void): boolean => {
  let ended = false
  call(() => void (ended = true))
  return ended
}

describe('diskUnder', () => {
  test.each(['/proc', '/nowhere'])('is any disk for %j', async (path) => {
    expect(await new Promise<Disk>((resolve) => diskUnder(path, resolve))).toBe(nodeDisk)
  })
})

const large = 1_048_577n

describe('on its own device', () => {
  test('a later fstat, and the close of a file that has a name, are synchronous', async () => {
    const { root, descriptor, device } = await opened()
    const disk = localDisk(device)
    expect(isAtOnce((called) => disk.fstatAgain(descriptor, device, called))).toBe(true)
    expect(isAtOnce((called) => disk.close(descriptor, { dev: device, size: large }, called))).toBe(true)
    expect(heldOpenBelow(root)).toEqual([])
  })

  test('closing a large deleted file runs on a thread, because it may free gigabytes', async () => {
    const { root, path, descriptor, device } = await opened()
    await unlink(path)
    const seen = { dev: device, size: large }
    expect(isAtOnce((called) => localDisk(device).close(descriptor, seen, called))).toBe(false)
    await vi.waitFor(() => expect(heldOpenBelow(root)).toEqual([]))
  })

  test('closing a small deleted file is synchronous', async () => {
    const { root, path, descriptor, device } = await opened()
    await unlink(path)
    const seen = { dev: device, size: 1_048_576n }
    expect(isAtOnce((called) => localDisk(device).close(descriptor, seen, called))).toBe(true)
    expect(heldOpenBelow(root)).toEqual([])
  })

  test('an fstat error is reported as by the asynchronous call', async () => {
    const { device } = await opened()
    const error = await new Promise((resolve) => localDisk(device).fstatAgain(2_147_483_647, device, resolve))
    expect(error).toHaveProperty('code', 'EBADF')
  })
})

test('on another device, or without an fstat, each call runs on a thread', async () => {
  const { root, descriptor, device } = await opened()
  const disk = localDisk(device + 1n)
  expect(isAtOnce((called) => disk.fstatAgain(descriptor, device, called))).toBe(false)
  await new Promise((resolve) => disk.fstatAgain(descriptor, device, resolve))
  expect(fstatSync(descriptor).size).toBe(7)
  expect(isAtOnce((called) => localDisk(device).close(descriptor, undefined, called))).toBe(false)
  await vi.waitFor(() => expect(heldOpenBelow(root)).toEqual([]))
})

describe('hasNoMountBelow', () => {
  const list = [
    '22 27 0:21 / /proc rw,nosuid shared:5 - proc proc rw',
    '27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
    String.raw`90 27 0:50 / /srv/my\040exports/far rw - nfs4 host:/x rw`,
    '91 27 0:51 / /var/exports-beside rw - nfs4 host:/y rw',
    '',
  ].join('\n')

  test.each([
    ['/var/exports', true],
    ['/var/exports-beside', true],
    ['/srv/my exports', false],
    ['/srv/my exports/far', true],
    ['/srv', false],
    ['/', false],
  ])('%s: %j', (path, alone) => {
    expect(hasNoMountBelow(path, list)).toBe(alone)
  })

  test.runIf(process.platform === 'linux')('as this machine lists them', async () => {
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    expect([hasNoMountBelow('/', mounts), hasNoMountBelow(await temporaryFolder(), mounts)]).toEqual([
      false,
      true,
    ])
  })
})
