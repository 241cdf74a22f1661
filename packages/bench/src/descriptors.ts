import { execFileSync } from 'node:child_process'

/** The hard limit of a process: Node raises its soft limit to it by itself, and nobody may go further. */
const descriptors = Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }))

/** What a process needs besides. */
const others = 100

/** Most downloads at a time that a server has descriptors for: each takes a socket and a file. */
export const mostDownloads: number = Number.isNaN(descriptors)
  ? Infinity
  : Math.floor((descriptors - others) / 2)
