import type { BigIntStats } from 'node:fs'
import { sep } from 'node:path'

import type { ByteRange, ExportStore, GetOptions, ObjectInfo, OpenObject } from '@sallyport/core'

import { joinKey } from '../object-key.ts'
import { createChunkSize, fileChunks } from './file-chunks.ts'
import { createFileReads } from './file-reads.ts'
import { type HardLinks, openFile, type OpenFile } from './open-file.ts'
import { refusal } from './refusals.ts'
import type { FilesystemRuntime } from './root.ts'
import { confirmRoot, createRoot, type Root } from './root.ts'
import { readSmall, SMALL, smallObject } from './small-file.ts'
import { type Done, runOnThread } from './threads.ts'

/**
 * Creates a store of the files below a root. All file calls of a `head` or `get` run one after the other on one pool thread.
 *
 * @param folder - the absolute path of the root; resolved at the first call
 */
export function createFiles(folder: string, hardLinks: HardLinks, runtime: FilesystemRuntime): ExportStore {
  const rootOf = createRoot(runtime, folder)

  /** Opens a file. The caller must hold a thread: `opened` gets it together with the file, and a failure releases it. */
  const open = <T>(root: Root, path: string, done: Done<T>, opened: (file: OpenFile) => void): void =>
    openFile(root.disk, path, hardLinks, (error, file) => {
      if (file) return opened(file)
      const settle = (error: unknown): void => {
        root.threads.release()
        done(error)
      }
      if (error === undefined) confirmRoot(root, settle)
      else settle(error)
    })

  const close = ({ disk, threads }: Root, { descriptor, stats }: OpenFile): void =>
    disk.close(descriptor, stats, threads.release)

  const read = (
    root: Root,
    path: string,
    file: OpenFile,
    { range, ifMatch, borrow = false }: GetOptions,
    done: Done<OpenObject>,
  ): void => {
    const info = describe(file.stats)
    const part = range ?? wholeOf(info)
    const fault = requestFault(info, part, ifMatch)
    if (fault) {
      close(root, file)
      done(refusal(fault))
    } else if (part.last - part.first < SMALL) {
      readSmall(root.disk, file, part, (error, bytes) => {
        close(root, file)
        if (bytes?.length === info.size) root.warm?.remember(path, file.stats)
        done(error, bytes && smallObject(info, bytes))
      })
    } else {
      root.threads.release()
      const reads = createFileReads({ ...root, now: runtime.now }, file, part)
      const size = createChunkSize(runtime.memory)
      const closeReads = (): void => {
        reads.close()
        size.release()
      }
      done(undefined, { info, chunks: fileChunks(reads, size, borrow, runtime.now), close: closeReads })
    }
  }

  const readWarm = (root: Root, path: string, { range, ifMatch }: GetOptions): OpenObject | undefined => {
    const found = root.warm?.reread(path, (stats) => {
      const info = describe(stats)
      const part = range ?? wholeOf(info)
      return requestFault(info, part, ifMatch) ? undefined : part
    })
    return found && smallObject(describe(found.stats), found.bytes)
  }

  return {
    async head(key, signal) {
      const name = joinKey(undefined, key)
      const root = await rootOf(signal)
      return runOnThread<ObjectInfo>(root.threads, signal, (done) =>
        open(root, pathOf(root.path, name), done, (file) => {
          close(root, file)
          done(undefined, describe(file.stats))
        }),
      )
    },
    async get(key, options, signal) {
      const name = joinKey(undefined, key)
      const root = await rootOf(signal)
      const path = pathOf(root.path, name)
      const warm = signal.aborted ? undefined : readWarm(root, path, options)
      if (warm) return warm
      return runOnThread<OpenObject>(
        root.threads,
        signal,
        (done) => open(root, path, done, (file) => read(root, path, file, options, done)),
        (late) => late.close(),
      )
    },
  }
}

const pathOf = (folder: string, name: string): string =>
  (folder.endsWith(sep) ? folder : folder + sep) + (sep === '/' ? name : name.replaceAll('/', sep))

const wholeOf = ({ size }: ObjectInfo): ByteRange => ({ first: 0, last: size - 1 })

const describe = ({ size, mtimeNs, mtimeMs }: BigIntStats): ObjectInfo => ({
  size: Number(size),
  validator: `${size}-${mtimeNs}`,
  lastModified: new Date(Number(mtimeMs)),
})

/** Checks the validator first: the requested range says nothing about another object. */
function requestFault(
  { size, validator }: ObjectInfo,
  { first, last }: ByteRange,
  ifMatch: string | undefined,
) {
  if (ifMatch !== undefined && ifMatch !== validator) return 'object_changed' as const
  const isEmpty = first === 0 && last === -1 && size === 0
  if (!isEmpty && (first < 0 || first > last || last >= size)) return 'upstream_error' as const
  return undefined
}
