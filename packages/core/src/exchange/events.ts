import type {
  DownloadEnded,
  DownloadStarted,
  ExportEvent,
  Outcome,
  RequestEnded,
  TicketIssued,
  Trouble,
} from '../events.ts'
import { printableText } from '../http/field-values.ts'
import type { ExportStore, Principal } from '../ports.ts'
import type { TroubleCode } from '../refusals.ts'
import { isTroubleCode, troublePorts } from '../refusals.ts'
import { limitRefusals } from './refusal-limit.ts'

type Mutable<T> = { -readonly [Member in keyof T]: T[Member] }
type Started = Omit<DownloadStarted, 'type'>

/**
 * What is known of one request so far: the members of its events, filled in step by step. Text from outside stands here only as
 * `printableText`.
 */
export type Entry = Mutable<
  Started & Pick<DownloadEnded, 'bytesSent'> & Pick<RequestEnded, 'kind'> & { firstByteMs?: number }
>

/** Tells the host what happened. Never throws. */
export interface Reporter {
  /** @param entry - of the request that the trouble belongs to. Absent: it belongs to none */
  trouble(code: TroubleCode, cause?: unknown, entry?: Entry): void
  /** Whether this is the first time that this handler has the trouble for this text. Of many hundred texts no more are the first. */
  isFirst(code: TroubleCode, text: string): boolean
  started(event: DownloadStarted): void
  issued(event: TicketIssued): void
  /** Reports the end of a download, if the entry has `firstByteMs`, else of a request that was none. */
  ended(entry: Entry, outcome: Outcome, durationMs: number, cause?: unknown): void
  /** Reports what was held back. */
  flush(): void
}

/** Wraps the host's sink, so that one that throws or rejects harms nothing. */
export function createReporter(onEvent: ((event: ExportEvent) => unknown) | undefined): Reporter {
  if (!onEvent)
    return {
      trouble: ignore,
      isFirst: () => false,
      started: ignore,
      issued: ignore,
      ended: ignore,
      flush: ignore,
    }
  const reported = new Set<string>()
  const tell = (event: ExportEvent): void => {
    try {
      const result = onEvent(event)
      if (result instanceof Promise) result.catch(ignore)
    } catch {
      // A broken sink is the host's to notice; the download goes on.
    }
  }
  const refusals = limitRefusals(tell)
  return {
    trouble: (code, cause, entry) => {
      const event = withCause<Trouble>(
        { type: 'trouble', port: troublePorts[code], code, ...idsOf(entry) },
        cause,
      )
      // A refused request: each one of a client that asks again at once would report the same outage.
      if (entry?.kind !== undefined) refusals.report(event, entry)
      else tell(event)
    },
    isFirst: (code, text) => {
      const key = `${code} ${text}`
      if (reported.has(key) || reported.size >= mostReported) return false
      reported.add(key)
      return true
    },
    started: tell,
    issued: tell,
    ended: (entry, outcome, durationMs, cause) => {
      const event = withCause(endedEvent(entry, outcome, durationMs), cause)
      if (event.type === 'request_ended' && outcome === 'refused') refusals.report(event, entry)
      else tell(event)
    },
    flush: refusals.flush,
  }
}

/** The names come from the host's own rows and routes, so there are few, unless a row is keyed by data. */
const mostReported = 500

const idsOf = (entry: Entry | undefined): Partial<Entry> =>
  entry
    ? {
        id: entry.id,
        requestId: entry.requestId,
        ...(entry.tenantId !== undefined && { tenantId: entry.tenantId }),
        ...(entry.exportId !== undefined && { exportId: entry.exportId }),
      }
    : {}

function endedEvent(entry: Entry, outcome: Outcome, durationMs: number): DownloadEnded | RequestEnded {
  const { kind, ranges, bytesPromised, bytesSent, firstByteMs, ...request } = entry
  if (firstByteMs === undefined)
    return { type: 'request_ended', outcome, ...(kind && { kind }), ...request, durationMs }
  const sent = { ranges, bytesPromised, bytesSent, firstByteMs }
  return { type: 'download_ended', outcome, ...request, ...sent, durationMs }
}

/**
 * Reports what a port says through its `onTrouble`. A code that is not in the table, as a port in plain JavaScript may give,
 * is reported as the port's failure, so that the codes of events stay closed.
 */
export const portListener =
  <P extends 'verifier' | 'limiter' | 'store'>(port: P, report: Reporter) =>
  (code: TroubleCode<P>, cause?: unknown): void => {
    if (isTroubleCode(port, code)) report.trouble(code, cause)
    else report.trouble(`${port}_failed`, new TypeError(`unknown trouble code: ${String(code)}`, { cause }))
  }

/** Hears each store once, also where the host's function gives it again and again. */
export function createStoreListener(report: Reporter): (store: ExportStore) => ExportStore {
  const heard = new WeakSet<ExportStore>()
  return (store) => {
    if (heard.has(store)) return store
    heard.add(store)
    store.onTrouble?.(portListener('store', report))
    return store
  }
}

/** The event before the first byte. */
export function startedEvent(entry: Omit<Entry, 'kind' | 'firstByteMs'>): DownloadStarted {
  const { bytesSent: _, ...started } = entry
  return { type: 'download_started', ...started }
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
