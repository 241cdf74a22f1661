import { parseArgs } from 'node:util'

import { oneOf, whole, withoutDashes } from './arguments.ts'
import type { Work } from './race.ts'

/** All servers that send objects from S3. */
export const s3Servers = {
  'by-hand': 'node:http, one `GetObject` of the AWS client and `pipeline`, no guard',
  'sallyport-s3': 'Sallyport on node:http, `createS3Store`',
} as const

export type S3ServerName = keyof typeof s3Servers

/** The S3 servers, each on the load generator's core. */
export const s3Ends = {
  ceph: 'a Ceph object gateway that keeps everything in memory',
  stub: 'a server that answers every request for an object at once, and checks nothing',
  'stub-tls':
    'the same over TLS, with a certificate signed by itself, which the client gets as `httpsAgent.ca`',
} as const

type S3EndName = keyof typeof s3Ends

/** Objects of one size, of one S3 server. */
export interface S3Case extends Work {
  readonly end: S3EndName
  readonly method: 'GET' | 'HEAD'
  /** How many objects are requested in turn. */
  readonly objects: number
}

/** The options of the command line of `pnpm bench:s3`. */
export interface S3Arguments {
  readonly cases: readonly S3Case[]
  readonly servers: readonly S3ServerName[]
  readonly rounds: number
  readonly warmUpSeconds: number
  readonly write: boolean
}

const small = { size: '1KiB', bytes: 1_024, connections: 32, method: 'GET', objects: 1 } as const
const large = { size: '256MiB', bytes: 268_435_456, connections: 4, method: 'GET', objects: 1 } as const

const allCases = [
  { ...small, title: '1 KiB, of an S3 that answers at once', end: 'stub' },
  { ...small, title: '1 KiB, each time another object', end: 'stub', objects: 2_000 },
  { ...small, title: 'HEAD', end: 'stub', method: 'HEAD' },
  { ...small, title: '1 KiB, over TLS', end: 'stub-tls' },
  { ...small, title: 'HEAD, over TLS', end: 'stub-tls', method: 'HEAD' },
  { ...small, title: '1 KiB, of Ceph', end: 'ceph' },
  { ...large, title: '256 MiB, of Ceph', end: 'ceph' },
  { ...large, title: '256 MiB, over TLS', end: 'stub-tls' },
] as const

/** Reads the command line. Throws a `TypeError` that names what is wrong. */
export function readS3Arguments(given: readonly string[]): S3Arguments {
  const { values } = parseArgs({
    args: [...withoutDashes(given)],
    allowNegative: true,
    options: {
      sizes: { type: 'string', default: '1KiB,256MiB' },
      ends: { type: 'string', default: Object.keys(s3Ends).join(',') },
      servers: { type: 'string', default: Object.keys(s3Servers).join(',') },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      'warm-up': { type: 'string', default: '10' },
      write: { type: 'boolean', default: given.length === 0 },
    },
  })
  const sizes = new Set(values.sizes.split(',').map((name) => oneOf(sizeTable, '--sizes', name)))
  const ends = new Set(values.ends.split(',').map((name) => oneOf(s3Ends, '--ends', name)))
  const seconds = whole('seconds', values.seconds)
  return {
    cases: allCases
      .filter(({ size, end }) => sizes.has(size) && ends.has(end))
      .map(({ title, bytes, connections, end, method, objects }) => ({
        title,
        bytes,
        connections,
        end,
        method,
        objects,
        seconds,
      })),
    servers: values.servers.split(',').map((name) => oneOf(s3Servers, '--servers', name)),
    rounds: whole('rounds', values.rounds),
    warmUpSeconds: whole('warm-up', values['warm-up']),
    write: values.write,
  }
}

const sizeTable = { '1KiB': 1_024, '256MiB': 268_435_456 } as const
