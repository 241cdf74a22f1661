import { decodeFieldText } from '../http/field-values.ts'
import type { MultiTenancy, Principal, SingleTenancy, Tenant } from '../ports.ts'
import type { FieldRule } from '../refusals.ts'
import type { Parsed } from './require-valid.ts'

const longestName = 64

/** ASCII letters and digits, inside also `.`, `_` and `-`. */
export const defaultNamePattern: RegExp = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/

/**
 * The value of `X-Org-Name` → a well-formed name; `undefined`: none was sent and none is needed. Bytes that are valid
 * UTF-8 are read as UTF-8, others as ISO-8859-1.
 *
 * @param required - whether a missing header is a fault
 */
export function parseTenantName(
  field: string | undefined,
  pattern: RegExp,
  required: boolean,
): Parsed<string | undefined> {
  if (field === undefined) return required ? fault(null, { rule: 'required' }) : { value: undefined }
  const value = decodeFieldText(field)
  if (value === '') return fault(value, { rule: 'not_empty' })
  if (value.length > longestName) return fault(value, { rule: 'max_length', most: longestName })
  if (pattern.test(value)) return { value }
  return fault(value, { rule: 'pattern', pattern: pattern.source })
}

/** Whether the header must be sent: many tenants, and nothing else that would choose among them. */
export const nameRequired = <T extends Tenant>(
  tenancy: MultiTenancy<T> | SingleTenancy<T>,
  { organizations }: Principal,
): boolean => tenancy.mode === 'multi' && !(tenancy.headerOptional === true && organizations.length === 1)

/**
 * The one organization that the token proves, for requests without the header. `undefined`: it proves none or several, or
 * one whose name is not well-formed and must not reach `findTenant`.
 */
export function onlyTenantName({ organizations }: Principal, pattern: RegExp): string | undefined {
  const [name] = organizations
  if (name === undefined || organizations.length > 1) return undefined
  return name.length <= longestName && pattern.test(name) ? name : undefined
}

const fault = (input: string | null, rule: FieldRule): Parsed<never> => ({
  fault: { part: 'tenant', in: 'header', name: 'X-Org-Name', input, ...rule },
})
