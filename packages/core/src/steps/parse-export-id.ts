import { parseUuid } from '../http/uuid.ts'
import type { FieldRule } from '../refusals.ts'
import type { Parsed } from './require-valid.ts'

const longestId = 128

/** How an export id is written, and in which route parameter it stands. */
interface ExportIdRules {
  readonly idParameter: string
  /** Absent: a UUID or GUID. */
  readonly idPattern?: RegExp | undefined
}

/**
 * Reads the export id from its route parameter. A UUID or GUID (32 hexadecimal digits in five groups) is lower-cased, so that one export has one spelling in limits, logs and
 * the catalogue. An id of the host's own pattern stays as it is.
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
