import { parseUuid } from '../http/uuid.ts'
import type { Parsed } from './require-valid.ts'

/**
 * A path segment → the canonical export id: a UUID of versions 1 to 8 (RFC 9562), lower-cased, so that one export has
 * one spelling in limits, logs and the catalogue.
 */
export function parseExportId(segment: string | undefined, parameter: string): Parsed<string> {
  const parsed = parseUuid(segment ?? '')
  if (parsed.ok) return { value: parsed.uuid }
  return {
    fault: {
      loc: ['path', parameter],
      type: 'uuid_parsing',
      msg: `Input should be a valid UUID, ${parsed.fault}`,
      input: (segment ?? '').slice(0, 128),
      ctx: { error: parsed.fault },
    },
  }
}
