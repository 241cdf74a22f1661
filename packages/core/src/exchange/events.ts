import type { DownloadEnded, DownloadStarted, ExportEvent, Outcome } from '../events.ts'
import { printableText } from '../http/printable-text.ts'
import type { Principal } from '../ports.ts'
import type { TroubleCode } from '../refusals.ts'
import { isTroubleCode, troublePorts } from '../refusals.ts'

/**
 * What is known of one exchange so far: the members of its events, filled in as the request goes its way. Text from outside
 * stands here only as `printableText`.
 */
export type Entry = {
  -readonly [
    Member in keyof Omit<DownloadEnded, 'type' | 'outcome' | 'durationMs' | 'cause'>
  ]: DownloadEnded[Member]
}

/** Tells the host what happened. Never throws. */
export interface Reporter {
  trouble(code: TroubleCode, cause?: unknown): void
  started(event: DownloadStarted): void
  ended(entry: Entry, outcome: Outcome, durationMs: number, cause?: unknown): void
}

/** Wraps the host's sink, so that one that throws or rejects harms nothing. */
export function createReporter(onEvent: ((event: ExportEvent) => unknown) | undefined): Reporter {
  if (!onEvent) return { trouble: ignore, started: ignore, ended: ignore }
  const tell = (event: ExportEvent): void => {
    try {
      const told = onEvent(event)
      if (told instanceof Promise) told.catch(ignore)
    } catch {
      // A broken sink is the host's to notice; the download goes on.
    }
  }
  return {
    trouble: (code, cause) => tell(withCause({ type: 'trouble', port: troublePorts[code], code }, cause)),
    started: tell,
    ended: (entry, outcome, durationMs, cause) =>
      tell(withCause({ type: 'download_ended', outcome, ...entry, durationMs }, cause)),
  }
}

/**
 * Reports what a port says through its `onTrouble`. A code that is not in the table, as a port in plain JavaScript may give,
 * is reported as the port's failure, so that the codes of events stay closed.
 */
export const portListener =
  <P extends 'verifier' | 'limiter'>(port: P, report: Reporter) =>
  (code: TroubleCode<P>, cause?: unknown): void => {
    if (isTroubleCode(port, code)) report.trouble(code, cause)
    else report.trouble(`${port}_failed`, new TypeError(`unknown trouble code: ${String(code)}`, { cause }))
  }

/** The event that stands before the first byte. */
export function startedEvent(entry: Entry): DownloadStarted {
  const { bytesSent: _, ...begun } = entry
  return { type: 'download_started', ...begun }
}

/** Who it is, as events show it. */
export const printablePrincipal = ({
  issuer,
  subject,
}: Principal): Pick<Principal, 'issuer' | 'subject'> => ({
  issuer: printableText(issuer),
  subject: printableText(subject),
})

/** Not enumerable: a cause may name buckets and keys, so no logger prints it unasked. */
const withCause = <E extends ExportEvent>(event: E, cause: unknown): E =>
  cause === undefined ? event : Object.defineProperty(event, 'cause', { value: cause })

const ignore = (): void => undefined
