import type { TroubleSource } from '../ports.ts'
import type { TroubleCode } from '../refusals.ts'

/** Reports a trouble to every listener. */
export type ReportTrouble = (code: TroubleCode<'verifier'>, cause?: unknown) => void

/** A source of troubles and the function that reports them. A verifier may serve several handlers, so all of them listen. */
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
          // A listener's fault must not refuse the caller's token.
        }
      }
    },
  }
}
