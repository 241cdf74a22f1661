import type { TroubleSource } from '../ports.ts'
import type { TroubleCode } from '../refusals.ts'

/** Reports a trouble to every listener. */
export type ReportTrouble = (code: TroubleCode<'verifier'>, cause?: unknown) => void

/** Creates a source of troubles and the function that reports them. There can be several listeners: one for each handler. */
export function createTroubleSource(): {
  readonly onTrouble: TroubleSource<'verifier'>
  readonly report: ReportTrouble
} {
  const listeners: ReportTrouble[] = []
  return {
    onTrouble: (listener) => void listeners.push(listener),
    report(code, cause) {
      for (const listener of listeners) {
        try {
          listener(code, cause)
        } catch {
          // An error in a listener must not refuse the caller's token.
        }
      }
    },
  }
}
