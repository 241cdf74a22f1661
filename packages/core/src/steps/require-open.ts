import { refusal } from '../refusals.ts'

/** Refuses new requests while the service drains or goes down: another instance will take them. */
export function requireOpen(draining: AbortSignal | undefined, shutdown: AbortSignal | undefined): void {
  if (draining?.aborted === true || shutdown?.aborted === true) throw refusal({ kind: 'unavailable' })
}
