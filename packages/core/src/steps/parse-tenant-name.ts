import { decodeFieldText } from '../http/field-values.ts'
import type { MultiTenancy, Principal, SingleTenancy, Tenant } from '../ports.ts'
import type { FieldRule } from '../refusals.ts'
import type { ExportRequest } from '../request-response.ts'
import type { Parsed } from './require-valid.ts'

const longestName = 64

/** ASCII letters and digits, and between them also `.`, `_` and `-`. */
export const defaultNamePattern: RegExp = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/

/** Where a request contains the name of the organization, and the pattern of names. */
export interface TenantNameRules {
  readonly in: 'header' | 'path'
  /** The name of the header or of the route parameter. */
  readonly name: string
  readonly pattern: RegExp
}

/**
 * Reads the name of the organization. `undefined`: none was sent and none is required. The bytes of a header are decoded as UTF-8
 * if they are valid UTF-8, otherwise as ISO-8859-1.
 *
 * @param required - whether a missing name is a fault
 */
export function parseTenantName(
  request: Pick<ExportRequest, 'header' | 'params'>,
  rules: TenantNameRules,
  required: boolean,
): Parsed<string | undefined> {
  const { in: place, name, pattern } = rules
  const sent = place === 'header' ? request.header(name.toLowerCase()) : request.params[name]
  const fault = (input: string | null, rule: FieldRule): Parsed<never> => ({
    fault: { part: 'tenant', in: place, name, input, ...rule },
  })
  if (sent === undefined) return required ? fault(null, { rule: 'required' }) : { value: undefined }
  const value = place === 'header' ? decodeFieldText(sent) : sent
  if (value === '') return fault(value, { rule: 'not_empty' })
  if (value.length > longestName) return fault(value, { rule: 'max_length', most: longestName })
  if (matches(pattern, value)) return { value }
  return fault(value, { rule: 'pattern', pattern: pattern.source })
}

/** Whether the whole name matches, also if the pattern has no anchors. */
const matches = (pattern: RegExp, name: string): boolean => pattern.exec(name)?.[0] === name

/** Whether the request must name the organization: there are several, and the token does not determine one. */
export const nameRequired = <T extends Tenant>(
  tenancy: MultiTenancy<T> | SingleTenancy<T>,
  { organizations }: Principal,
): boolean => tenancy.mode === 'multi' && !(tenancy.headerOptional === true && organizations.length === 1)

/**
 * The only organization that the token proves, for requests without a name. `undefined`: the token proves none or several, or
 * the name is malformed and must not be passed to `findTenant`.
 */
export function onlyTenantName(
  { organizations }: Principal,
  { pattern }: Pick<TenantNameRules, 'pattern'>,
): string | undefined {
  const [name] = organizations
  if (name === undefined || organizations.length > 1) return undefined
  return name.length <= longestName && matches(pattern, name) ? name : undefined
}
