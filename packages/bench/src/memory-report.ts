import type { LongDelivery } from './long-delivery.ts'
import type { Moving, Stalled } from './memory.ts'
import type { Section } from './part.ts'
import { type ServerName, servers } from './servers.ts'
import { figure, type Table } from './tables.ts'

export const memoryWords = (server: ServerName): string =>
  `The server is \`${server}\`: ${servers[server]}, started with \`--max-semi-space-size=16\` as [operations.md](operations.md) advises.
Resident memory is what the operating system counts for its process. Memory of the kernel for sockets is counted separately,
for both ends of all connections of the machine.`

/** Memory during one download. Memory that is kept for each chunk would show a million times. */
export const longSection = ({ chunks, earlyBytes, lateBytes }: LongDelivery): Section => ({
  title: 'One long download',
  table: twoColumns([
    ['chunks of 1 KiB', chunks.toLocaleString('en')],
    ['heap at a tenth of the way', megabytes(earlyBytes)],
    ['heap at the end', megabytes(lateBytes)],
  ]),
})

/**
 * Memory of downloads whose clients do not read.
 *
 * @param asked - the requested number. If the system allowed fewer, the memory is estimated for this number
 */
export function stalledSection(stalled: Stalled, asked: number): Section {
  const { clients, failures, lost, idleBytes, residentBytes, socketBytes, mostSocketBytes } = stalled
  const bytesEach = (residentBytes - idleBytes) / clients
  return {
    title: 'Stalled downloads of 1 GiB',
    words: 'Each client reads the head and the first bytes, and then nothing for 5 s.',
    table: twoColumns([
      ['clients', clients.toLocaleString('en')],
      ['refused or broken', String(failures)],
      ['closed before the measurement', String(lost)],
      ['resident, idle', megabytes(idleBytes)],
      ['resident, all stalled', megabytes(residentBytes)],
      ['resident, for each client', kilobytes(bytesEach)],
      ...(asked > clients
        ? [
            [
              `estimate for ${asked.toLocaleString('en')}, more than this system has descriptors for`,
              megabytes(idleBytes + bytesEach * asked),
            ],
          ]
        : []),
      ['in the kernel, all sockets', megabytes(socketBytes)],
      ['in the kernel, for each client', kilobytes(socketBytes / clients)],
      ['limit of the kernel for sockets', megabytes(mostSocketBytes)],
    ]),
  }
}

/** Memory of downloads whose clients read as fast as possible. */
export const movingSection = (moving: Moving): Section => ({
  title: `Moving downloads of ${figure(moving.bytes / 1_048_576)} MiB`,
  table: twoColumns([
    ['clients at once', moving.clients.toLocaleString('en')],
    ['whole answers', moving.answers.toLocaleString('en')],
    ['failures', String(moving.failures)],
    ['seconds', figure(moving.elapsedMs / 1_000)],
    ['peak resident', megabytes(moving.peakBytes)],
  ]),
})

const twoColumns = (rows: readonly (readonly string[])[]): Table => ({ head: ['what', ''], rows })
const megabytes = (bytes: number): string => `${figure(bytes / 1_000_000)} MB`
const kilobytes = (bytes: number): string => `${figure(bytes / 1_000)} kB`
