import { execFileSync } from 'node:child_process'

/** The hard limit of descriptors of a process. Node raises its soft limit to it. */
const descriptors = Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }))

/** Descriptors for other purposes. */
const others = 100

/** The most concurrent downloads for which a server has descriptors. Each needs a socket and a file. */
export const mostDownloads: number = Number.isNaN(descriptors)
  ? Infinity
  : Math.floor((descriptors - others) / 2)
