import { because, refusal } from '../refusals.ts'

/** Refuses new requests while the service drains: another instance will answer them. */
export function requireOpen(isDraining: boolean): void {
  if (isDraining) throw refusal({ kind: 'unavailable' }, because('the handler is draining'))
}
