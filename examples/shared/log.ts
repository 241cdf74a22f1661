import { inspect } from 'node:util'

import type { ExportEvent } from '@sallyport/core'
import { type Level, pino } from 'pino'

import type { Settings } from './environment.ts'
import { createLineWriter } from './line-writer.ts'

/** The log on stdout: a line of JSON for each request and each trouble. */
export interface Log {
  /** Logs an event at its level: see {@link levelOf}. */
  readonly event: (event: ExportEvent) => void
  /** Logs something else. */
  readonly line: (level: Level, about: object) => void
  /** Prints text as it is, such as the address that the service listens on. */
  readonly print: (text: string) => void
  /** Resolves when all lines are written, or after a second. */
  readonly flush: () => Promise<void>
}

/** Opens the log. It is written in the background: a slow or closed stdout delays no request, and ends no process. */
export function openLog({ logLevel }: Pick<Settings, 'logLevel'>): Log {
  // For a pipe, the first use of process.stdout makes it non-blocking. So no thread waits for a reader that does not read.
  const writer = createLineWriter(process.stdout.fd)
  const logger = pino(
    {
      level: logLevel,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    writer,
  )
  // Causes may name paths, buckets and hosts.
  const withCause = logger.isLevelEnabled('debug')
  return {
    event: (event) => {
      const cause = withCause && 'cause' in event ? { cause: inspect(event.cause) } : undefined
      logger[levelOf(event)](cause ? { ...event, ...cause } : event)
    },
    line: (level, about) => logger[level](about),
    print: (text) => writer.write(`${text}\n`),
    flush: () => writer.flush(1_000),
  }
}

/**
 * The level of an event. At `info` there is one line for each request: its end. Its start, and the ticket that it issued, are logged
 * at `debug`, because the end names the same principal, export and ticket.
 */
function levelOf(event: ExportEvent): Level {
  if (event.type === 'download_started' || event.type === 'ticket_issued') return 'debug'
  if (event.type === 'trouble') return 'warn'
  if (event.outcome === 'failed') return 'error'
  return event.status >= 500 || isOfStore.has(event.outcome) ? 'warn' : 'info'
}

const isOfStore: ReadonlySet<string> = new Set([
  'store_cut',
  'store_stalled',
  'store_too_slow',
  'store_overran',
  'store_wrong',
  'object_changed',
])
