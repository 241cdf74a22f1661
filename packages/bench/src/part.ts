import { cpus } from 'node:os'

import type { BarChart } from './bar-chart.ts'
import type { LineChart } from './line-chart.ts'
import type { Table } from './tables.ts'

/** What one command has measured, and all that the page shows of it. */
export interface Part {
  readonly name: PartName
  readonly title: string
  /** What was done, in Markdown. */
  readonly words: string
  readonly sections: readonly Section[]
  readonly run: Run
  /** The figures that the tables were made of. */
  readonly figures: object
}

/** Where, when and how it was measured. */
export interface Run {
  readonly command: string
  /** `YYYY-MM-DD` */
  readonly date: string
  readonly node: string
  readonly cpu: string
  readonly cores: number
}

/** One table, with a picture of it. */
export interface Section {
  readonly title: string
  /** Markdown, between title and table. */
  readonly words?: string
  readonly table: Table
  /** File names are made of the titles. */
  readonly bars?: BarChart
  readonly lines?: readonly LineChart[]
}

/** The parts of the page, in their order. */
export const partNames = ['servers', 's3', 'read-ahead', 'scaling', 'memory', 'micro'] as const

export type PartName = (typeof partNames)[number]

/** This machine, now. */
export const runOf = (command: string, now: Date): Run => ({
  command,
  date: now.toISOString().slice(0, 10),
  node: process.versions.node,
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length, // all of the machine's, though a bench may have moved to one
})

/** The command as it was given: its script, and what came behind it. */
export const commandOf = (script: string, given: readonly string[]): string =>
  ['pnpm', script, ...given.filter((word) => word !== '--' && !/^--(no-)?write$/.test(word))].join(' ')
