import { parseArgs } from 'node:util'

import { casesOf, listOf, whole, withoutDashes } from './arguments.ts'
import type { Case } from './compare.ts'

/** The servers of the examples' comparison, in the order of its tables. */
export const exampleServers = {
  bare: 'node:http, stat and pipe, no guard, no log',
  'example-express': '`examples/express-filesystem`, as its `start` script runs it',
  'example-koa': '`examples/koa-s3`, as its `start` script runs it, with the same files',
  'express-stack': 'Express, express-oauth2-jwt-bearer, express-rate-limit, node:sqlite, sendFile, pino',
  'koa-stack': 'Koa, koa-jwt, koa-ratelimit, node:sqlite, koa-send, pino',
} as const

export type ExampleServerName = keyof typeof exampleServers

/** The options of the command line of `pnpm bench:examples`. */
export interface ExampleArguments {
  readonly cases: readonly Case[]
  readonly servers: readonly ExampleServerName[]
  readonly rounds: number
  readonly warmUpSeconds: number
  readonly write: boolean
  /** The folder for the CPU profiles of the servers. Absent: no profiles. */
  readonly profileFolder?: string
}

/** Reads the command line. Throws a `TypeError` that names what is wrong. The defaults take less than 6 minutes. */
export function readExampleArguments(given: readonly string[]): ExampleArguments {
  const { values } = parseArgs({
    args: [...withoutDashes(given)],
    allowNegative: true,
    options: {
      sizes: { type: 'string', default: '4KiB,1MiB,256MiB' },
      servers: { type: 'string', default: Object.keys(exampleServers).join(',') },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '4' },
      'warm-up': { type: 'string', default: '8' },
      profile: { type: 'string' },
      write: { type: 'boolean', default: given.length === 0 },
    },
  })
  const seconds = whole('seconds', values.seconds)
  return {
    cases: values.sizes.split(',').flatMap((size) => casesOf(size, [1], seconds, undefined)),
    servers: listOf(exampleServers, '--servers', values.servers),
    rounds: whole('rounds', values.rounds),
    warmUpSeconds: whole('warm-up', values['warm-up']),
    write: values.write,
    ...(values.profile !== undefined && { profileFolder: values.profile }),
  }
}
