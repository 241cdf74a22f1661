import { because, refusal } from '../refusals.ts'

/** Refuses new requests while the handler drains, so that the client retries at another instance. */
export function requireOpen(isDraining: boolean): void {
  if (isDraining) throw refusal({ kind: 'unavailable' }, because('the handler is draining'))
}
