import { parseArgs } from 'node:util'

import { whole, withoutDashes } from './arguments.ts'

/** The options of the command line of `pnpm bench:scaling`. */
export interface ScalingArguments {
  /** Numbers of connections, in ascending order. */
  readonly connections: readonly number[]
  /** Numbers of tenants and tokens, in ascending order. */
  readonly callers: readonly number[]
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly write: boolean
}

/**
 * Reads the command line. `--connections none` and `--callers none` skip one half. Throws a `TypeError` that names
 * what is wrong.
 *
 * @param most - the connections that the system allows; a larger number is lowered to it
 */
export function readScalingArguments(given: readonly string[], most: number): ScalingArguments {
  const { values } = parseArgs({
    args: [...withoutDashes(given)],
    allowNegative: true,
    options: {
      connections: { type: 'string', default: '1,10,100,1000,10000' },
      callers: { type: 'string', default: '100,10000,1000000' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      'warm-up': { type: 'string', default: '10' },
      write: { type: 'boolean', default: given.length === 0 },
    },
  })
  const connections = numbers('connections', values.connections).map((count) => Math.min(count, most))
  return {
    connections: [...new Set(connections)],
    callers: numbers('callers', values.callers),
    rounds: whole('rounds', values.rounds),
    seconds: whole('seconds', values.seconds),
    warmUpSeconds: whole('warm-up', values['warm-up']),
    write: values.write,
  }
}

const numbers = (option: string, text: string): readonly number[] =>
  text === 'none'
    ? []
    : text
        .split(',')
        .map((number) => whole(option, number))
        .toSorted((one, other) => one - other)
