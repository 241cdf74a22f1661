import { cpus } from 'node:os'

import type { BarChart } from './bar-chart.ts'
import type { LineChart } from './line-chart.ts'
import type { Table } from './tables.ts'

/** The measurements of one command, and their text for the page. */
export interface Part {
  readonly name: PartName
  readonly title: string
  /** The method, in Markdown. */
  readonly words: string
  readonly sections: readonly Section[]
  readonly run: Run
  /** The figures of the tables. */
  readonly figures: object
}

/** The machine, date and command of a measurement. */
export interface Run {
  readonly command: string
  /** `YYYY-MM-DD` */
  readonly date: string
  readonly node: string
  readonly cpu: string
  readonly cores: number
}

/** One table and its chart. */
export interface Section {
  readonly title: string
  /** Markdown, between title and table. */
  readonly words?: string
  readonly table: Table
  /** The charts. Their titles become file names. */
  readonly bars?: BarChart
  readonly lines?: readonly LineChart[]
}

/** The parts of the page, in their order. */
export const partNames = [
  'servers',
  'examples',
  'examples-s3',
  'transports',
  's3',
  'read-ahead',
  'parts',
  'scaling',
  'memory',
  'micro',
] as const

export type PartName = (typeof partNames)[number]

/** Describes this machine and the current date. */
export const runOf = (command: string, now: Date): Run => ({
  command,
  date: now.toISOString().slice(0, 10),
  node: process.versions.node,
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length, // of the machine, although a bench may use one
})

/** The command line: the script and its arguments. */
export const commandOf = (script: string, given: readonly string[]): string =>
  ['pnpm', script, ...given.filter((word) => word !== '--' && !/^--(no-)?write$/.test(word))].join(' ')
