import { type BigIntStats, closeSync, fstatSync, openSync, readlinkSync, readSync } from 'node:fs'

import type { ByteRange } from '@sallyport/core'

import { BIGINT } from './disk.ts'
import { isUnchanged, OPEN_FLAGS } from './open-file.ts'

/** The kernel drops what was used last only when memory runs out, and then the oldest pages first. */
const WARM_MS = 10_000
const MOST_FILES = 4_096
/** A read of memory takes a tenth of this, even if 64 KiB are copied. */
const SLOW_MS = 1
/** So long no read is only kept from the CPU. */
const HUNG_MS = 200
/** Reads that waited for the disk may take this share of the time. */
const BLOCKED_SHARE = 0.05
const MOST_BLOCKED_MS = 50

/**
 * The small files that were read completely a few seconds ago. Their names, inodes and bytes are in the kernel's memory. So another
 * read needs no disk, and runs synchronously: running it on pool threads costs several times the read.
 *
 * A file is read for the first time on a pool thread, because that read may have to wait for the disk.
 */
export interface WarmFiles {
  /** Records a file of at most 64 KiB whose bytes were all read just now, and its `fstat`. */
  readonly remember: (path: string, stats: BigIntStats) => void
  /**
   * Reads a warm file again.
   *
   * @param rangeOf - chooses the bytes; `undefined`: none, so the file is not read
   * @returns `undefined` if the file is not warm, is not the same file any more, cannot be read, or if `rangeOf` chose nothing. The
   *   caller then reads it on a pool thread, which also finds the right refusal
   */
  readonly reread: (
    path: string,
    rangeOf: (stats: BigIntStats) => ByteRange | undefined,
  ) => { readonly stats: BigIntStats; readonly bytes: Uint8Array } | undefined
}

/**
 * Creates the table of one local volume. If synchronous reads wait for the disk after all, for more than 50 ms in a second, all
 * files are read on pool threads for a while.
 *
 * @param blocksRead - returns how many blocks this process has read from disks. A slow read that read none had to wait for the CPU,
 *   as it would on a pool thread
 */
export function createWarmFiles(now: () => number, blocksRead: () => number): WarmFiles {
  const files = new Map<string, { readonly stats: BigIntStats; readAt: number }>()
  let blockedMs = 0
  let blockedAt = 0
  const mayBlock = (at: number): boolean => blockedMs - (at - blockedAt) * BLOCKED_SHARE < MOST_BLOCKED_MS
  const measure = <T>(startedAt: number, work: () => T): T => {
    const blocksBefore = blocksRead()
    const result = work()
    const ms = now() - startedAt
    if (ms > HUNG_MS || (ms > SLOW_MS && blocksRead() > blocksBefore)) {
      blockedMs = Math.max(0, blockedMs - (startedAt - blockedAt) * BLOCKED_SHARE) + ms
      blockedAt = startedAt
    }
    return result
  }
  return {
    remember(path, stats) {
      files.delete(path)
      files.set(path, { stats, readAt: now() })
      if (files.size <= MOST_FILES) return
      const [oldest] = files.keys()
      if (oldest !== undefined) files.delete(oldest)
    },
    reread(path, rangeOf) {
      const known = files.get(path)
      const startedAt = now()
      if (!known || !mayBlock(startedAt)) return undefined
      const isWarm = startedAt - known.readAt < WARM_MS
      const read = isWarm ? measure(startedAt, () => readAgain(path, known.stats, rangeOf)) : undefined
      if (read) known.readAt = startedAt
      else files.delete(path)
      return read
    },
  }
}

const readAgain: (
  path: string,
  seen: BigIntStats,
  rangeOf: Parameters<WarmFiles['reread']>[1],
) => ReturnType<WarmFiles['reread']> = (path, seen, rangeOf) => {
  let descriptor: number | undefined
  try {
    descriptor = openSync(path, OPEN_FLAGS)
    const stats = fstatSync(descriptor, BIGINT)
    // The same inode with the same times passed all checks before, except that a folder of the path may be a symbolic link now.
    if (stats.ino !== seen.ino || stats.dev !== seen.dev || stats.nlink !== seen.nlink) return undefined
    if (!isUnchanged(seen, stats) || readlinkSync(`/proc/self/fd/${descriptor}`) !== path) return undefined
    const range = rangeOf(stats)
    const bytes = range && readWhole(descriptor, range)
    if (!bytes || !isUnchanged(stats, fstatSync(descriptor, BIGINT))) return undefined
    return { stats, bytes }
  } catch {
    return undefined
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function readWhole(descriptor: number, { first, last }: ByteRange): Uint8Array | undefined {
  const bytes = Buffer.allocUnsafeSlow(last - first + 1)
  const count = bytes.length === 0 ? 0 : readSync(descriptor, bytes, 0, bytes.length, first)
  return count === bytes.length ? bytes : undefined
}
