import * as check from '../check-options.ts'
import type { ExportHandler } from '../request-response.ts'
import { longestTimerMs } from '../waiting.ts'

/**
 * Checks that a value is a handler of `createExportHandler`. For adapters, when they mount it.
 *
 * @param caller - the name of the function that mounts the handler. The message begins with it
 * @throws TypeError for any other value, such as the handler's `handle` function
 */
export function checkHandler(caller: string, handler: unknown): void {
  check.checkOptions(caller, { handler }, mounted)
}

/**
 * Checks that a value is a handler that can issue tickets. For adapters, when they mount a route for tickets.
 *
 * @param caller - the name of the function that mounts the handler. The message begins with it
 * @throws TypeError for a value that is not a handler, and for a handler without the option `tickets`
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
 * Checks the arguments of the handler's methods for the operator.
 *
 * @param method - the name of the method. The message begins with it, and docs/options.md has a heading for it
 * @throws TypeError for a wrong `withinMs` (also one in seconds), a filter that is not a function and a wrong signal
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
