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
import { limitRefusalEvents } from './limit-refusal-events.ts'

type Mutable<T> = { -readonly [Member in keyof T]: T[Member] }
type Started = Omit<DownloadStarted, 'type'>

/**
 * The members of a request's events, filled in while the request is processed. Text from outside must pass `printableText`
 * first.
 */
export type EventDraft = Mutable<
  Started & Pick<DownloadEnded, 'bytesSent'> & Pick<RequestEnded, 'kind'> & { firstByteMs?: number }
>

/** Emits events to the host's `onEvent`. Its methods never throw. */
export interface Reporter {
  /** @param draft - the event of the request that the trouble belongs to. Absent: it belongs to none */
  trouble(code: TroubleCode, cause?: unknown, draft?: EventDraft): void
  /** Whether this handler sees this trouble with this text for the first time. Always `false` after 500 different texts. */
  isFirst(code: TroubleCode, text: string): boolean
  started(event: DownloadStarted): void
  issued(event: TicketIssued): void
  /** Emits `download_ended` if the draft has `firstByteMs`, otherwise `request_ended`. */
  ended(draft: EventDraft, outcome: Outcome, durationMs: number, cause?: unknown): void
  /** Emits the refusals that wait for the end of their window. */
  flush(): void
}

/** Creates the reporter of one handler. It ignores errors and rejections of `onEvent`. Absent: nothing is emitted. */
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
  const emit = (event: ExportEvent): void => {
    try {
      const result = onEvent(event)
      if (result instanceof Promise) result.catch(ignore)
    } catch {
      // A broken event listener must not break the download.
    }
  }
  const refusals = limitRefusalEvents(emit)
  return {
    trouble: (code, cause, draft) => {
      const event = withCause<Trouble>(
        { type: 'trouble', port: troublePorts[code], code, ...idsOf(draft) },
        cause,
      )
      // Limited for refused requests: a client that retries immediately would report the same outage again and again.
      if (draft?.kind !== undefined) refusals.report(event, draft)
      else emit(event)
    },
    isFirst: (code, text) => {
      const key = `${code} ${text}`
      if (reported.has(key) || reported.size >= mostReported) return false
      reported.add(key)
      return true
    },
    started: emit,
    issued: emit,
    ended: (draft, outcome, durationMs, cause) => {
      const event = withCause(endedEvent(draft, outcome, durationMs), cause)
      if (event.type === 'request_ended' && outcome === 'refused') refusals.report(event, draft)
      else emit(event)
    },
    flush: refusals.flush,
  }
}

/** The texts are names from the host's records and routes, so there are few, unless data is used as a member name. */
const mostReported = 500

const idsOf = (draft: EventDraft | undefined): Partial<EventDraft> =>
  draft
    ? {
        id: draft.id,
        requestId: draft.requestId,
        ...(draft.tenantId !== undefined && { tenantId: draft.tenantId }),
        ...(draft.exportId !== undefined && { exportId: draft.exportId }),
      }
    : {}

function endedEvent(draft: EventDraft, outcome: Outcome, durationMs: number): DownloadEnded | RequestEnded {
  const { kind, ranges, bytesPromised, bytesSent, firstByteMs, ...request } = draft
  if (firstByteMs === undefined)
    return { type: 'request_ended', outcome, ...(kind && { kind }), ...request, durationMs }
  const sent = { ranges, bytesPromised, bytesSent, firstByteMs }
  return { type: 'download_ended', outcome, ...request, ...sent, durationMs }
}

/**
 * Creates a listener for the `onTrouble` of a port. It reports an unknown code, which a port in plain JavaScript may give, as a
 * failure of the port, so that events contain only documented codes.
 */
export const portListener =
  <P extends 'verifier' | 'limiter' | 'store'>(port: P, report: Reporter) =>
  (code: TroubleCode<P>, cause?: unknown): void => {
    if (isTroubleCode(port, code)) report.trouble(code, cause)
    else report.trouble(`${port}_failed`, new TypeError(`unknown trouble code: ${String(code)}`, { cause }))
  }

/** Creates a function that listens to the troubles of a store once, however often the host's `store` function returns it. */
export function createStoreListener(report: Reporter): (store: ExportStore) => ExportStore {
  const listenedTo = new WeakSet<ExportStore>()
  return (store) => {
    if (listenedTo.has(store)) return store
    listenedTo.add(store)
    store.onTrouble?.(portListener('store', report))
    return store
  }
}

/** Makes the `download_started` event of a request. */
export function startedEvent(draft: Omit<EventDraft, 'kind' | 'firstByteMs'>): DownloadStarted {
  const { bytesSent: _, ...started } = draft
  return { type: 'download_started', ...started }
}

/** The issuer and subject of a principal for events. */
export const printablePrincipal = ({
  issuer,
  subject,
}: Principal): Pick<Principal, 'issuer' | 'subject'> => ({
  issuer: printableText(issuer),
  subject: printableText(subject),
})

/** Not enumerable, because a cause may contain bucket names and keys, and loggers must not print them by default. */
const withCause = <E extends ExportEvent>(event: E, cause: unknown): E =>
  cause === undefined ? event : Object.defineProperty(event, 'cause', { value: cause })

const ignore = (): void => undefined
