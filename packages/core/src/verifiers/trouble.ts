import type { TroubleSource } from '../ports.ts'
import type { TroubleCode } from '../refusals.ts'

/** Tells every listener. */
export type TellTrouble = (code: TroubleCode<'verifier'>, cause?: unknown) => void

/** A source of troubles and the means to tell them. A verifier may serve several handlers, so all of them listen. */
export function createTroubleSource(): {
  readonly onTrouble: TroubleSource<'verifier'>
  readonly tell: TellTrouble
} {
  const listeners: TellTrouble[] = []
  return {
    onTrouble: (listener) => void listeners.push(listener),
    tell(code, cause) {
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
