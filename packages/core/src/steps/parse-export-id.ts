import { parseUuid } from '../http/uuid.ts'
import type { FieldRule } from '../refusals.ts'
import type { Parsed } from './require-valid.ts'

const longestId = 128

/** The pattern of export ids, and the route parameter that holds one. */
interface ExportIdRules {
  readonly idParameter: string
  /** Absent: a UUID or GUID. */
  readonly idPattern?: RegExp | undefined
}

/**
 * Reads the export id from its route parameter. A UUID or GUID (32 hexadecimal digits in five groups) is converted to lower case, so
 * that an export has only one spelling in limits, logs and the catalogue. An id of the host's own pattern is not changed.
 */
export function parseExportId(
  sent: string | undefined,
  { idParameter, idPattern }: ExportIdRules,
): Parsed<string> {
  const input = sent ?? ''
  const fault = (rule: FieldRule): Parsed<never> => ({
    fault: { part: 'export_id', in: 'path', name: idParameter, input, ...rule },
  })
  if (!idPattern) {
    const value = parseUuid(input)
    return value === undefined ? fault({ rule: 'uuid' }) : { value }
  }
  if (input === '') return fault({ rule: 'not_empty' })
  if (input.length > longestId) return fault({ rule: 'max_length', most: longestId })
  if (idPattern.exec(input)?.[0] === input) return { value: input }
  return fault({ rule: 'pattern', pattern: idPattern.source })
}
