import type { Principal } from '../ports.ts'
import { wantedGot, refusal } from '../refusals.ts'

/** Refuses a principal that lacks the capability. Capabilities must be equal: `exports` does not include `export`. */
export function authorize({ capabilities }: Principal, capability: string): void {
  if (capabilities.includes(capability)) return
  const cause = wantedGot(`the capabilities of the principal must include '${capability}'`, capabilities)
  throw refusal({ kind: 'capability_missing' }, cause)
}
