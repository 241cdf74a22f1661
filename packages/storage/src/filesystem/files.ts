import { sep } from 'node:path'

import type { ByteRange, ExportStore, GetOptions, ObjectInfo, OpenObject } from '@sallyport/core'

import { joinKey } from '../object-key.ts'
import { createChunkSize, alternate } from './file-chunks.ts'
import { createFileReads } from './file-reads.ts'
import { type HardLinks, openFile, type OpenFile } from './open-file.ts'
import { refusedAs } from './refusals.ts'
import type { Around } from './root.ts'
import { confirmRoot, createRoot, type Root } from './root.ts'
import { readSmall, SMALL, smallObject } from './small-file.ts'
import { type End, inTurn } from './threads.ts'

/**
 * The files below a root, as a store. Each call is one turn on a pool thread, from the first look to the last.
 *
 * @param folder - the absolute path of the root; resolved at first use
 */
export function createFiles(folder: string, hardLinks: HardLinks, around: Around): ExportStore {
  const rootOf = createRoot(around, folder)

  /** Opens the file of a key, or ends with the reason why not. Needs a thread in hand, and keeps it for `opened`. */
  const open = <T>(root: Root, name: string, end: End<T>, opened: (file: OpenFile) => void): void =>
    openFile(root.disk, pathOf(root.path, name), hardLinks, (error, file) => {
      if (file) return opened(file)
      const give = (error: unknown): void => {
        root.threads.release()
        end(error)
      }
      if (error === undefined) confirmRoot(root, give)
      else give(error)
    })

  const close = ({ disk, threads }: Root, { descriptor, stats }: OpenFile): void =>
    disk.close(descriptor, stats, threads.release)

  const read = (
    root: Root,
    file: OpenFile,
    { range, ifMatch, borrow = false }: GetOptions,
    end: End<OpenObject>,
  ): void => {
    const info = describe(file)
    const part = range ?? { first: 0, last: info.size - 1 }
    const objection = objectionTo(info, part, ifMatch)
    if (objection) {
      close(root, file)
      end(refusedAs(objection))
    } else if (part.last - part.first < SMALL) {
      readSmall(root.disk, file, part, (error, bytes) => {
        close(root, file)
        end(error, bytes && smallObject(info, bytes))
      })
    } else {
      root.threads.release()
      const reads = createFileReads({ ...root, now: around.now }, file, part)
      const size = createChunkSize(around.memory)
      const close = (): void => {
        reads.close()
        size.end()
      }
      end(undefined, { info, chunks: alternate(reads, size, borrow, around.now), close })
    }
  }

  return {
    async head(key, signal) {
      const name = joinKey(undefined, key)
      const root = await rootOf(signal)
      return inTurn<ObjectInfo>(root.threads, signal, (end) =>
        open(root, name, end, (file) => {
          close(root, file)
          end(undefined, describe(file))
        }),
      )
    },
    async get(key, options, signal) {
      const name = joinKey(undefined, key)
      const root = await rootOf(signal)
      return inTurn<OpenObject>(
        root.threads,
        signal,
        (end) => open(root, name, end, (file) => read(root, file, options, end)),
        (late) => late.close(),
      )
    },
  }
}

const pathOf = (folder: string, name: string): string =>
  (folder.endsWith(sep) ? folder : folder + sep) + (sep === '/' ? name : name.replaceAll('/', sep))

const describe = ({ stats: { size, mtimeNs, mtimeMs } }: OpenFile): ObjectInfo => ({
  size: Number(size),
  validator: `${size}-${mtimeNs}`,
  lastModified: new Date(Number(mtimeMs)),
})

/** The pin comes first: of another object no range can be judged. */
function objectionTo(
  { size, validator }: ObjectInfo,
  { first, last }: ByteRange,
  ifMatch: string | undefined,
) {
  if (ifMatch !== undefined && ifMatch !== validator) return 'object_changed' as const
  const isEmpty = first === 0 && last === -1 && size === 0
  if (!isEmpty && (first < 0 || first > last || last >= size)) return 'upstream_error' as const
  return undefined
}
