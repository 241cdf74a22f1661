import type { InvalidField } from '../refusals.ts'
import { because, wantedGot, refusal } from '../refusals.ts'

/** A parsed part of the request: its value or its fault. */
export type Parsed<V> = { readonly value: V } | { readonly fault: InvalidField }

/** Returns the values of all parts. If any part has a fault, refuses `invalid_request` with all faults. */
export function requireValid<const P extends readonly Parsed<unknown>[]>(
  parts: P,
): { readonly [I in keyof P]: P[I] extends Parsed<infer V> ? V : never }
export function requireValid(parts: readonly Parsed<unknown>[]): readonly unknown[] {
  const fields = parts.flatMap((part) => ('fault' in part ? [part.fault] : []))
  if (fields.length > 0)
    throw refusal({ kind: 'invalid_request', fields }, because(fields.map(describe).join('\n')))
  return parts.map((part) => ('value' in part ? part.value : undefined))
}

/** Such as `X-Org-Name (header) must match the rule 'required'; got null`. */
const describe = ({ in: place, name, rule, input }: InvalidField): string =>
  wantedGot(`${name} (${place}) must match the rule '${rule}'`, input).message
