import { parseArgs } from 'node:util'

import type { Case } from './compare.ts'
import { isServerName, type ServerName, serverNames } from './servers.ts'

/** The options of the command line. */
export interface Arguments {
  readonly cases: readonly Case[]
  readonly servers: readonly ServerName[]
  readonly rounds: number
  readonly warmUpSeconds: number
  readonly write: boolean
  readonly profileFolder?: string
}

/** The usage text. */
export const usage = `pnpm bench [options]
  --sizes 4KiB,1MiB,256MiB   which files
  --servers bare,nginx,…     which servers: ${serverNames.join(' ')}
  --rounds 5                 rounds of each
  --seconds 5                seconds of each round
  --warm-up 10               seconds before the first round: compiled code is what is measured
  --tokens 1,2000            how many users; more than one: at 4 KiB only
  --connections 32           instead of 32, 16 and 4 by size
  --profile FOLDER           each Node server leaves a CPU profile there
  --no-write                 leave docs/performance.md as it is; so does any choice above`

/** Reads the command line. Throws a `TypeError` that names what is wrong. */
export function readArguments(given: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...withoutDashes(given)],
    allowNegative: true,
    options: {
      sizes: { type: 'string', default: '4KiB,1MiB,256MiB' },
      servers: { type: 'string', default: serverNames.join(',') },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      'warm-up': { type: 'string', default: '10' },
      tokens: { type: 'string', default: '1,2000' },
      connections: { type: 'string' },
      profile: { type: 'string' },
      write: { type: 'boolean', default: given.length === 0 },
    },
  })
  const tokens = values.tokens.split(',').map((text) => whole('tokens', text))
  const seconds = whole('seconds', values.seconds)
  const connections = values.connections === undefined ? undefined : whole('connections', values.connections)
  return {
    cases: values.sizes.split(',').flatMap((size) => casesOf(size, tokens, seconds, connections)),
    servers: values.servers.split(',').map(serverOf),
    rounds: whole('rounds', values.rounds),
    warmUpSeconds: whole('warm-up', values['warm-up']),
    write: values.write,
    ...(values.profile !== undefined && { profileFolder: values.profile }),
  }
}

/** Removes the first `--`, which `pnpm bench -- --sizes 4KiB` passes on. */
export const withoutDashes = (given: readonly string[]): readonly string[] =>
  given[0] === '--' ? given.slice(1) : given

/** Sizes by name, each with a number of connections that keeps a core busy without queueing. */
const sizes = new Map([
  ['4KiB', { bytes: 4_096, connections: 32 }],
  ['1MiB', { bytes: 1_048_576, connections: 16 }],
  ['256MiB', { bytes: 268_435_456, connections: 4 }],
])

/** The cases of a file size: one for each number of users. */
export function casesOf(
  name: string,
  tokens: readonly number[],
  seconds: number,
  connections: number | undefined,
): readonly Case[] {
  const size = sizes.get(name)
  if (!size) throw new TypeError(`--sizes: ${name} is none of ${[...sizes.keys()].join(', ')}`)
  // The cost of a user does not depend on the file size, so one size is enough.
  const asked = name === '4KiB' ? tokens : tokens.slice(0, 1)
  return asked.map((count) => ({
    title: count === 1 ? `${name}, one user` : `${name}, ${count} users`,
    bytes: size.bytes,
    tokens: count,
    connections: connections ?? size.connections,
    seconds,
  }))
}

function serverOf(name: string): ServerName {
  if (isServerName(name)) return name
  throw new TypeError(`--servers: ${name} is none of ${serverNames.join(', ')}`)
}

/** Parses a comma-separated list of names of a table. Throws a `TypeError` that names the option. */
export const listOf = <T extends object>(table: T, option: string, names: string): readonly (keyof T)[] =>
  names.split(',').map((name) => oneOf(table, option, name))

/** Parses a name of a table. Throws a `TypeError` that names the option. */
export function oneOf<T extends object>(table: T, option: string, name: string): keyof T {
  if (isNameIn(table, name)) return name
  throw new TypeError(`${option}: ${name} is none of ${Object.keys(table).join(', ')}`)
}

const isNameIn = <T extends object>(table: T, name: PropertyKey): name is keyof T =>
  Object.hasOwn(table, name)

/** Parses a number of the command line. Throws a `TypeError` that names the option. */
export function whole(option: string, text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new TypeError(`--${option}: ${text} is not a whole number from 1`)
}
