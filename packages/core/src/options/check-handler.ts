import * as check from '../check-options.ts'
import type { ExportHandler } from '../request-response.ts'
import { longestTimerMs } from '../waiting.ts'

/**
 * For adapters: checks, when it is mounted, that a handler is one.
 *
 * @param caller - the function that mounts it, to begin the message with
 * @throws TypeError for anything else, such as the handler's `handle` alone
 */
export function checkHandler(caller: string, handler: unknown): void {
  check.checkOptions(caller, { handler }, mounted)
}

/**
 * For adapters: checks, when a route for tickets is mounted, that the handler can issue them.
 *
 * @param caller - the function that mounts it, to begin the message with
 * @throws TypeError for what is no handler, and for one that was made without the option `tickets`
 */
export function checkTicketHandler(caller: string, handler: unknown): void {
  checkHandler(caller, handler)
  check.checkOptions(caller, { handler }, issuing)
}

const issuing = check.object<{ readonly handler: ExportHandler }>('(handler)', {
  handler: check.accept<ExportHandler>(
    'a handler that was made with the option tickets',
    (value): value is ExportHandler =>
      typeof value === 'object' && value !== null && Reflect.get(value, 'issuesTickets') === true,
    () => 'one without it',
  ),
})

const mounted = check.object<{ readonly handler: ExportHandler }>('(handler)', {
  handler: check.withMethods<ExportHandler>('what createExportHandler returns', 'handle', 'drain'),
})

/**
 * Checks what the operator gives to the handler's methods.
 *
 * @param method - begins the message and is a heading in docs/options.md
 * @throws TypeError for a `withinMs` that looks like seconds, a filter that is no function, a signal that is none
 */
export function checkCall(method: 'cut' | 'drain' | 'ready', given: unknown): void {
  check.checkOptions(method, given, calls[method])
}

const calls = {
  cut: check.object<{ readonly matches: Parameters<ExportHandler['cut']>[0] }>('(matches)', {
    matches: check.fn<Parameters<ExportHandler['cut']>[0]>('(download) => boolean'),
  }),
  drain: check.object<Parameters<ExportHandler['drain']>[0]>('{ withinMs }', {
    withinMs: check.millisecondsOrNone('how long running downloads may go on', 100, longestTimerMs),
  }),
  ready: check.object<{ readonly signal: AbortSignal }>('(signal)', {
    signal: check.instanceOf('an AbortSignal, such as AbortSignal.timeout(1_000)', AbortSignal),
  }),
}
