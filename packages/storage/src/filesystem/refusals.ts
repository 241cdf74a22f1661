import { refuse } from '@sallyport/core'

type Kind = 'unavailable' | 'upstream_error' | 'object_changed'

/** A refusal as a value, for calls that end in a callback. */
export function refusedAs(kind: Kind, cause?: unknown): unknown {
  try {
    return refuse(kind, { cause })
  } catch (refusal) {
    return refusal
  }
}

/** Links, pipes, sockets, devices, folders and names no disk can hold: the catalogue named no file. */
const WRONG = new Set([
  'ELOOP',
  'EMLINK',
  'EFTYPE',
  'EISDIR',
  'ENXIO',
  'ENODEV',
  'EOPNOTSUPP',
  'ENAMETOOLONG',
])

/** What the caller is told of an error of the disk: that the answer was wrong, or that there was none. */
export const refusedBy = (error: NodeJS.ErrnoException): unknown =>
  refusedAs(WRONG.has(error.code ?? '') ? 'upstream_error' : 'unavailable', error)

/** Whether the disk says: no such file. */
export const isAbsent = ({ code }: NodeJS.ErrnoException): boolean => code === 'ENOENT' || code === 'ENOTDIR'
