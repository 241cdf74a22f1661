import { parseUuid } from '../http/uuid.ts'
import type { Parsed } from './require-valid.ts'

/**
 * A path segment → the canonical export id: a UUID or GUID (32 hexadecimal digits in five groups), lower-cased, so that
 * one export has one spelling in limits, logs and the catalogue.
 */
export function parseExportId(segment: string | undefined, parameter: string): Parsed<string> {
  const input = segment ?? ''
  const value = parseUuid(input)
  if (value !== undefined) return { value }
  return { fault: { part: 'export_id', in: 'path', name: parameter, input, rule: 'uuid' } }
}
