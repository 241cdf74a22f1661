import { sep } from 'node:path'

import type { ByteRange, ExportStore, GetOptions, ObjectInfo, OpenObject } from '@sallyport/core'

import { joinKey } from '../object-key.ts'
import type { Around } from './around.ts'
import { createChunkSize } from './chunk-size.ts'
import { alternate } from './file-chunks.ts'
import { createFileReads } from './file-reads.ts'
import { type End, inTurn } from './in-turn.ts'
import { openFile, type OpenFile } from './open-file.ts'
import { refusedAs } from './refusals.ts'
import type { Root } from './root.ts'
import { readSmall, SMALL, smallObject } from './small-file.ts'

/** The files below a root, as a store. Each call is one turn on a pool thread, from the first look to the last. */
export function createFiles(root: Root, around: Around): ExportStore {
  const { disk, threads } = around

  const pathOf = async (key: string, signal: AbortSignal): Promise<string> => {
    const name = joinKey(undefined, key)
    const folder = await root.path(signal)
    return (folder.endsWith(sep) ? folder : folder + sep) + (sep === '/' ? name : name.replaceAll('/', sep))
  }

  const open = <T>(path: string, end: End<T>, opened: (file: OpenFile) => void): void =>
    openFile(disk, path, (error, file) => {
      if (file) return opened(file)
      const give = (error: unknown): void => {
        threads.free()
        end(error)
      }
      if (error === undefined) root.confirm(give)
      else give(error)
    })

  const close = ({ descriptor, stats }: OpenFile): void => disk.close(descriptor, stats, threads.free)

  const read = (
    file: OpenFile,
    { range, ifMatch, borrow = false }: GetOptions,
    end: End<OpenObject>,
  ): void => {
    const info = describe(file)
    const part = range ?? { first: 0, last: info.size - 1 }
    const objection = objectionTo(info, part, ifMatch)
    if (objection) {
      close(file)
      end(refusedAs(objection))
    } else if (part.last - part.first < SMALL) {
      readSmall(disk, file, part, (error, bytes) => {
        close(file)
        end(error, bytes && smallObject(info, bytes))
      })
    } else {
      threads.free()
      const reads = createFileReads(around, file, part)
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
      const path = await pathOf(key, signal)
      return inTurn<ObjectInfo>(threads, signal, (end) =>
        open(path, end, (file) => {
          close(file)
          end(undefined, describe(file))
        }),
      )
    },
    async get(key, options, signal) {
      const path = await pathOf(key, signal)
      return inTurn<OpenObject>(
        threads,
        signal,
        (end) => open(path, end, (file) => read(file, options, end)),
        (late) => late.close(),
      )
    },
  }
}

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
