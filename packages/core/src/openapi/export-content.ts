import { contentCodings } from '../http/content-codings.ts'
import type { HandlerSettings } from '../options/resolve-options.ts'
import type { Tenant } from '../ports.ts'
import type { JsonObject } from '../refusals.ts'
import { mediaTypeOf } from '../steps/plan-delivery.ts'
import type { FilledDescription } from './description.ts'

/** A format that has no media type. */
const otherFormat = ' '

/** Makes the content of a response that carries an export: each media type that it can have. */
export function exportContent<T extends Tenant>(
  { versions }: HandlerSettings<T>,
  { formats, encodings, openapi, itemSchema }: FilledDescription,
): Record<string, JsonObject> {
  const ofFormats = [...versions.values()].flatMap(({ mediaTypes }) =>
    (formats ?? [...Object.keys(mediaTypes), otherFormat]).map((format) => mediaTypeOf(format, mediaTypes)),
  )
  // A client that does not accept the coding gets the compressed file.
  const ofCodings = encodings.map((encoding) => contentCodings[encoding].mediaType)
  return Object.fromEntries(
    [...new Set([...ofFormats, ...ofCodings])].map((type) => [
      type,
      {
        // Raw binary has no type in JSON Schema. Generators need one to make a body of bytes.
        schema: { type: 'string', format: 'binary' },
        ...(openapi === '3.2' && itemSchema && isLines(type) && { itemSchema }),
      },
    ]),
  )
}

/** Whether the media type is a sequence of JSON values, which OpenAPI 3.2 can describe one by one. */
const isLines = (type: string): boolean => /^application\/(?:jsonl|x-ndjson|ndjson|json-seq)\b/i.test(type)
