import type { Principal } from '../ports.ts'
import { refusal } from '../refusals.ts'

/** Refuses a principal that lacks the capability. Compared whole: `export` is not held by one who holds `exports`. */
export function authorize(principal: Principal, capability: string): void {
  if (!principal.capabilities.includes(capability)) throw refusal({ kind: 'capability_missing' })
}
