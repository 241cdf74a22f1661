import { randomUUID } from 'node:crypto'

import { DeliveryError, outcomeOf } from '../delivery/delivery-error.ts'
import type { DownloadStarted, Outcome, TicketIssued } from '../events.ts'
import { printableText, parseRequestId } from '../http/field-values.ts'
import type { CalledPort, RefusalKind, TroubleCode } from '../refusals.ts'
import { because, refusal, refusalCause, refusalDetail } from '../refusals.ts'
import type { ExportRequest } from '../request-response.ts'
import { DeadlineError, startTimer } from '../waiting.ts'
import type { Entry, Reporter } from './events.ts'
import type { Running } from './running.ts'

/** One request's life: its clocks, its signal and its one end. */
export interface Exchange {
  /** What the events will say. Filled in by the pipeline; no step reads it. */
  readonly entry: Entry
  /** Ends everything that is done for this request. */
  readonly signal: AbortSignal
  /** Asks a port, one at a time, until the signal fires. What it throws that is no refusal becomes `unavailable`, with its trouble. */
  readonly ask: <V>(port: CalledPort, call: (signal: AbortSignal) => Promise<V>) => Promise<V>
  /**
   * The head is decided: the first-byte clock stops, the lifetime begins. Throws the signal's reason where it has fired.
   *
   * @param download - the event to report. Absent: the answer carries no bytes of an export
   */
  readonly begin: (
    head: Pick<Entry, 'status' | 'ranges' | 'bytesPromised'>,
    download: DownloadStarted | undefined,
  ) => void
  /**
   * Reports a trouble in this request.
   *
   * @param once - reports it only the first time that this handler has it for this text. Absent: every time
   */
  readonly trouble: (code: TroubleCode, cause?: unknown, once?: string) => void
  /** Reports that a ticket was issued. */
  readonly issued: (ticket: Omit<TicketIssued, 'type' | 'id' | 'requestId' | 'address'>) => void
  /** The exchange is over. The first call counts: it says how, and calls every `release` that `onEnd` was given. */
  readonly end: (outcome: Outcome, cause?: unknown) => void
  /** Ends the exchange for a reason, and everything that is under way with it. */
  readonly stop: (reason: unknown) => void
  /** Calls `release` when the exchange ends; immediately if it has ended. */
  readonly onEnd: (release: () => void) => void
}

/** What the exchanges of one handler share. */
export interface ExchangeRules {
  readonly firstByteMs: number
  readonly lifetimeMs: number
  readonly report: Reporter
  readonly running: Running
}

/** Starts the exchange of a request, and its clocks. */
export function startExchange(request: ExportRequest, rules: ExchangeRules): Exchange {
  const { report, running, firstByteMs, lifetimeMs } = rules
  const startedAt = performance.now()
  const id = randomUUID()
  const entry: Entry = {
    id,
    requestId: parseRequestId(request.header('x-request-id')) ?? id,
    method: printableText(request.method),
    status: 0,
    ...(request.address !== undefined && { address: printableText(request.address) }),
    ranges: [],
    bytesPromised: 0,
    bytesSent: 0,
    attempts: 0,
  }
  const controller = new AbortController()
  const { signal } = controller
  const held: (() => void)[] = []
  let ended = false
  let endWait: ((reason: unknown) => void) | undefined

  const abort = (reason: unknown): void => {
    if (signal.aborted) return
    controller.abort(reason)
    endWait?.(reason)
  }
  const end = (outcome: Outcome, cause?: unknown): void => {
    if (ended) return
    ended = true
    clearTimeout(clock)
    request.signal.removeEventListener('abort', leave)
    running.end(run)
    for (const release of held) quietly(release)
    report.ended(entry, outcome, performance.now() - startedAt, cause)
  }
  // Record the outcome first, then abort. Aborting closes the socket, and its 'close' handler would record `client_aborted`.
  // Before there is an answer, aborting is enough: the pipeline refuses, and knows the status.
  const stop = (reason: unknown): void => {
    if (entry.status !== 0) end(outcomeOf(reason), reason instanceof DeliveryError ? reason.cause : reason)
    abort(reason)
  }
  const leave = (): void => {
    if (entry.status === 0) entry.status = clientLeft
    const { reason } = request.signal as { reason: unknown }
    stop(reason instanceof DeliveryError ? reason : new DeliveryError('client_aborted'))
  }
  // One clock: where the head was out in time, it goes on to the end of the lifetime.
  const onDeadline = (): void => {
    const left = overAt - performance.now()
    if (overAt === 0) abort(tooLate(firstByteMs))
    else if (left > 0) clock = startTimer(onDeadline, left)
    else stop(new DeliveryError('lifetime_over'))
  }
  let overAt = 0 // 0: the head is not out yet
  let clock = startTimer(onDeadline, firstByteMs)
  const run = running.begin(entry, stop)
  if (request.signal.aborted) leave()
  else request.signal.addEventListener('abort', leave)

  return {
    entry,
    signal,
    end,
    stop,
    ask: (port, call) =>
      new Promise((resolve, reject) => {
        const fail = (error: unknown): void => {
          endWait = undefined
          reject(blame(port, signal.aborted ? signal.reason : error, signal))
        }
        if (signal.aborted) return fail(undefined)
        const settle = (value: Awaited<ReturnType<typeof call>>): void => {
          endWait = undefined
          resolve(value)
        }
        endWait = fail
        try {
          Promise.resolve(call(signal)).then(settle, fail)
        } catch (error) {
          fail(error)
        }
      }),
    begin: (head, download) => {
      signal.throwIfAborted()
      const now = performance.now()
      Object.assign(entry, head)
      if (download) entry.firstByteMs = now - startedAt
      overAt = now + lifetimeMs
      if (lifetimeMs < firstByteMs) {
        clearTimeout(clock)
        clock = startTimer(onDeadline, lifetimeMs)
      }
      if (download) report.started(download)
    },
    trouble: (code, cause, once) => {
      if (once === undefined || report.isFirst(code, once)) report.trouble(code, cause, entry)
    },
    issued: (ticket) => {
      const { id, requestId, address } = entry
      report.issued({
        type: 'ticket_issued',
        id,
        requestId,
        ...(address !== undefined && { address }),
        ...ticket,
      })
    },
    onEnd: (release) => {
      if (ended) quietly(release)
      else held.push(release)
    },
  }
}

/** The status in the event of a client that left before there was an answer. It is never sent. */
const clientLeft = 499

const tooLate = (firstByteMs: number): Error =>
  refusal({ kind: 'unavailable' }, because(`the response was not decided within ${firstByteMs} ms`))

/** A port's fault, as a refusal that says which port it was. A refusal for the caller's fault stays as it is. */
function blame(port: CalledPort, error: unknown, signal: AbortSignal): unknown {
  if (error instanceof DeliveryError) return error
  if (error instanceof DeadlineError)
    return refusal({ kind: 'unavailable', trouble: `${port}_silent` }, error)
  const detail = refusalDetail(error)
  if (!detail) return refusal({ kind: 'unavailable', trouble: `${port}_failed` }, error)
  const given = refusalCause(error)
  const cause = given ?? because(`the ${port} port called refuse('${detail.kind}') without a cause`)
  if (detail.trouble) return given === undefined ? refusal(detail, cause) : error
  const isSilence =
    error === signal.reason || (detail.kind === 'unavailable' && cause instanceof DeadlineError)
  const trouble = isSilence ? (`${port}_silent` as const) : troubleOf(port, detail.kind)
  if (trouble) return refusal({ ...detail, trouble }, cause)
  return given === undefined ? refusal(detail, cause) : error
}

/** `undefined`: the port refused for a fault of the caller's. */
function troubleOf(port: CalledPort, kind: RefusalKind): TroubleCode | undefined {
  if (kind === 'unavailable') return `${port}_unavailable`
  if (kind === 'upstream_error') return `${port}_wrong`
  return kind === 'internal' ? `${port}_failed` : undefined
}

/** If one `release` throws, the others are still called, and the event is still sent. */
function quietly(release: () => void): void {
  try {
    release()
  } catch {
    // `close` and `release` never throw; one that does has nothing more to give.
  }
}
