import type { BigIntStats } from 'node:fs'

/** What a look at an open file remembers. */
export type Look = Pick<BigIntStats, 'size' | 'mtimeNs' | 'ctimeNs' | 'nlink'>

/**
 * Whether nobody has written into an open file since `before`. The change time betrays also a writer that sets the
 * modification time back. But a name that comes or goes, as when a new file is renamed over this one, stamps the change
 * time too, and the old bytes are all there: so it is compared only while the file has as many names.
 */
export const isUnchanged = (before: Look, now: Look): boolean =>
  now.size === before.size &&
  now.mtimeNs === before.mtimeNs &&
  (now.nlink !== before.nlink || now.ctimeNs === before.ctimeNs)
