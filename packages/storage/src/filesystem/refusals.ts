import { refuse } from '@sallyport/core'

type Kind = 'unavailable' | 'upstream_error' | 'object_changed'

/** Makes a refusal without throwing it, for calls that end in a callback. */
export function refusal(kind: Kind, cause?: unknown): unknown {
  try {
    return refuse(kind, { cause })
  } catch (thrown) {
    return thrown
  }
}

/** Codes for a symbolic link, pipe, socket, device, folder or impossible name: the record's key does not name a file. */
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

/** Classifies an error of the disk: `'upstream_error'` if the key names no regular file, otherwise `'unavailable'`. */
export const diskRefusal = (error: NodeJS.ErrnoException): unknown =>
  refusal(WRONG.has(error.code ?? '') ? 'upstream_error' : 'unavailable', error)

/** Whether the error means that the file does not exist. */
export const isAbsent = ({ code }: NodeJS.ErrnoException): boolean => code === 'ENOENT' || code === 'ENOTDIR'
