import type { Outcome, RefusalKind } from '@sallyport/core'

/** How a request ended. */
export interface Ending {
  readonly outcome: Outcome
  readonly kind?: RefusalKind
}

/**
 * The `error.type` of a request. `undefined`: it did not fail. A refusal for a fault of the caller and a client that left are no
 * failures. A download that the store made reopen its object has not failed if it completed.
 */
export function errorTypeOf({ outcome, kind }: Ending): string | undefined {
  if (outcome === 'completed' || outcome === 'client_aborted') return undefined
  if (kind) return isServerFault(kind) ? kind : undefined
  return outcome
}

/** Whether a refusal of this kind is a fault of the service or of what it depends on: 5xx. */
export const isServerFault = (kind: RefusalKind): boolean => serverFaults.has(kind)

const serverFaults: ReadonlySet<RefusalKind> = new Set([
  'internal',
  'upstream_error',
  'unavailable',
  'object_changed',
])
