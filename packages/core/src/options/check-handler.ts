import * as check from '../check-options.ts'
import type { ExportHandler } from '../request-response.ts'

/**
 * For adapters: checks, when it is mounted, that a handler is one.
 *
 * @param caller - the function that mounts it, to begin the message with
 * @throws TypeError for anything else, such as the handler's `handle` alone
 */
export function checkHandler(caller: string, handler: unknown): void {
  check.checkOptions(caller, { handler }, mounted)
}

const mounted = check.object<{ readonly handler: ExportHandler }>('(handler)', {
  handler: check.withMethods<ExportHandler>('what createExportHandler returns', 'handle', 'drain'),
})
