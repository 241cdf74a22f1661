import { decodeFieldText } from '../http/field-text.ts'
import type { MultiTenancy, Principal, SingleTenancy, Tenant } from '../ports.ts'
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
  if (field === undefined) return required ? fault('missing', 'Field required', null) : { value: undefined }
  const value = decodeFieldText(field)
  if (value === '') {
    return fault('string_too_short', 'String should have at least 1 character', value, { min_length: 1 })
  }
  if (value.length > longestName) {
    const msg = `String should have at most ${longestName} characters`
    return fault('string_too_long', msg, value, { max_length: longestName })
  }
  if (pattern.test(value)) return { value }
  const msg = `String should match pattern '${pattern.source}'`
  return fault('string_pattern_mismatch', msg, value, { pattern: pattern.source })
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

const fault = (
  type: string,
  msg: string,
  input: string | null,
  ctx?: Record<string, unknown>,
): Parsed<never> => ({
  fault: {
    loc: ['header', 'X-Org-Name'],
    type,
    msg,
    input: input?.slice(0, 128) ?? null,
    ...(ctx && { ctx }),
  },
})
