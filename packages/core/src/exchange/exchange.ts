import { randomUUID } from 'node:crypto'

import { DeliveryError, outcomeOf } from '../delivery/delivery-error.ts'
import type { DownloadStarted, Outcome, TicketIssued } from '../events.ts'
import { printableText, parseRequestId } from '../http/field-values.ts'
import type { CalledPort, RefusalKind, TroubleCode } from '../refusals.ts'
import { because, refusal, refusalCause, refusalDetail } from '../refusals.ts'
import type { ExportRequest } from '../request-response.ts'
import { DeadlineError, startTimer } from '../waiting.ts'
import type { EventDraft, Reporter } from './events.ts'
import type { Running } from './running.ts'

/** The state of one request and its response: deadlines, signal, resources and events. It ends exactly once. */
export interface Exchange {
  /** The members of the events. The pipeline fills them in; no step reads them. */
  readonly draft: EventDraft
  /** Fires when the work for this request must stop. */
  readonly signal: AbortSignal
  /**
   * Calls a port and waits for it until the signal fires. Only one call may be pending at a time. An error that is not a refusal
   * becomes the refusal `unavailable` with the port's trouble code.
   */
  readonly callPort: <V>(port: CalledPort, call: (signal: AbortSignal) => Promise<V>) => Promise<V>
  /**
   * Records that status and header fields are final: stops the first-byte deadline and starts the lifetime. Throws the signal's
   * reason if it has fired.
   *
   * @param download - the event to report. Absent: the response has no bytes of an export
   */
  readonly begin: (
    head: Pick<EventDraft, 'status' | 'ranges' | 'bytesPromised'>,
    download: DownloadStarted | undefined,
  ) => void
  /**
   * Reports a trouble in this request.
   *
   * @param once - a text: the trouble is reported only the first time that this handler has it with this text. Absent: every time
   */
  readonly trouble: (code: TroubleCode, cause?: unknown, once?: string) => void
  /** Reports that a ticket was issued. */
  readonly issued: (ticket: Omit<TicketIssued, 'type' | 'id' | 'requestId' | 'address'>) => void
  /** Ends the exchange: releases what `onEnd` registered, and reports the outcome. Only the first call has an effect. */
  readonly end: (outcome: Outcome, cause?: unknown) => void
  /** Ends the exchange early and aborts its signal with `reason`. */
  readonly stop: (reason: unknown) => void
  /** Registers a function that is called when the exchange ends; immediately if it has ended. */
  readonly onEnd: (release: () => void) => void
}

/** Options and state that the exchanges of one handler share. */
export interface ExchangeRules {
  readonly firstByteMs: number
  readonly lifetimeMs: number
  readonly report: Reporter
  readonly running: Running
}

/** Starts the exchange of a request, and its first-byte deadline. */
export function startExchange(request: ExportRequest, rules: ExchangeRules): Exchange {
  const { report, running, firstByteMs, lifetimeMs } = rules
  const startedAt = performance.now()
  const id = request.id ?? randomUUID()
  const draft: EventDraft = {
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
  const releases: (() => void)[] = []
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
    clearTimeout(timer)
    request.signal.removeEventListener('abort', leave)
    running.end(run)
    for (const release of releases) callSafely(release)
    report.ended(draft, outcome, performance.now() - startedAt, cause)
  }
  // Record the outcome first, then abort. Aborting closes the socket, and its 'close' handler would record `client_aborted`.
  // Before there is a response, aborting is enough: the pipeline then refuses the request and records status and outcome.
  const stop = (reason: unknown): void => {
    if (draft.status !== 0) end(outcomeOf(reason), reason instanceof DeliveryError ? reason.cause : reason)
    abort(reason)
  }
  const leave = (): void => {
    if (draft.status === 0) draft.status = clientLeft
    const { reason } = request.signal as { reason: unknown }
    stop(reason instanceof DeliveryError ? reason : new DeliveryError('client_aborted'))
  }
  // One timer serves both deadlines. When it fires after `begin`, it is set again for the rest of the lifetime. `begin` replaces
  // it only if the lifetime is the shorter one.
  const onTimer = (): void => {
    const left = overAt - performance.now()
    if (overAt === 0) abort(tooLate(firstByteMs))
    else if (left > 0) timer = startTimer(onTimer, left)
    else stop(new DeliveryError('lifetime_over'))
  }
  let overAt = 0 // When the lifetime ends. 0: `begin` was not called yet.
  let timer = startTimer(onTimer, firstByteMs)
  const run = running.begin(draft, stop)
  if (request.signal.aborted) leave()
  else request.signal.addEventListener('abort', leave)

  return {
    draft,
    signal,
    end,
    stop,
    callPort: (port, call) =>
      new Promise((resolve, reject) => {
        const fail = (error: unknown): void => {
          endWait = undefined
          reject(portFault(port, signal.aborted ? signal.reason : error, signal))
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
      Object.assign(draft, head)
      if (download) draft.firstByteMs = now - startedAt
      overAt = now + lifetimeMs
      if (lifetimeMs < firstByteMs) {
        clearTimeout(timer)
        timer = startTimer(onTimer, lifetimeMs)
      }
      if (download) report.started(download)
    },
    trouble: (code, cause, once) => {
      if (once === undefined || report.isFirst(code, once)) report.trouble(code, cause, draft)
    },
    issued: (ticket) => {
      const { id, requestId, address } = draft
      report.issued({
        type: 'ticket_issued',
        id,
        requestId,
        ...(address !== undefined && { address }),
        ...ticket,
      })
    },
    onEnd: (release) => {
      if (ended) callSafely(release)
      else releases.push(release)
    },
  }
}

/** The status in the event if the client disconnected before there was a response. It is never sent. */
const clientLeft = 499

const tooLate = (firstByteMs: number): Error =>
  refusal({ kind: 'unavailable' }, because(`the response was not decided within ${firstByteMs} ms`))

/** Converts the error of a port to a refusal with the port's trouble code. A refusal for the caller's mistake stays unchanged. */
function portFault(port: CalledPort, error: unknown, signal: AbortSignal): unknown {
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

/** The trouble code for a refusal of a port. `undefined`: the caller made the mistake, not the port. */
function troubleOf(port: CalledPort, kind: RefusalKind): TroubleCode | undefined {
  if (kind === 'unavailable') return `${port}_unavailable`
  if (kind === 'upstream_error') return `${port}_wrong`
  return kind === 'internal' ? `${port}_failed` : undefined
}

/** If one release throws, the others must still be called and the end must still be reported. */
function callSafely(release: () => void): void {
  try {
    release()
  } catch {
    // `close` and `release` must not throw. If one does, nothing more can be done.
  }
}
