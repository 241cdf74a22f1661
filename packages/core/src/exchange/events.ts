import { printableText } from '../http/printable-text.ts'
import type { DownloadEnded, DownloadStarted, ExportEvent, Outcome, Principal, Trouble } from '../ports.ts'

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
  trouble(port: Trouble['port'], code: string, cause?: unknown): void
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
    trouble: (port, code, cause) => tell(withCause({ type: 'trouble', port, code }, cause)),
    started: tell,
    ended: (entry, outcome, durationMs, cause) =>
      tell(withCause({ type: 'download_ended', outcome, ...entry, durationMs }, cause)),
  }
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
