import type { HandlerSettings } from '../options/resolve-options.ts'
import type { Tenant } from '../ports.ts'
import type { JsonObject, JsonValue } from '../refusals.ts'

/** The schemas of all error formats, by their names in the document. */
export interface ErrorSchemas {
  readonly schemas: Record<string, JsonObject>
  /** The name in the document of a schema of a version's format. */
  readonly nameOf: (version: string, name: string) => string
}

/**
 * Collects the schemas of all error formats. If two versions use the same name for different schemas, the name of the version is added
 * to it.
 */
export function errorSchemas<T extends Tenant>(
  { versions }: HandlerSettings<T>,
  prefix: string,
): ErrorSchemas {
  const sets = new Map<string, Set<string>>()
  for (const { errors } of versions.values()) {
    const { schemas = {} } = errors.bodies ?? {}
    for (const name of Object.keys(schemas))
      sets.set(name, (sets.get(name) ?? new Set()).add(JSON.stringify(schemas)))
  }
  const nameOf = (version: string, name: string): string =>
    `${prefix}${name}${(sets.get(name)?.size ?? 0) > 1 ? `_${version}` : ''}`
  const schemas: Record<string, JsonObject> = {}
  for (const [version, { errors }] of versions)
    for (const [name, schema] of Object.entries(errors.bodies?.schemas ?? {}))
      schemas[nameOf(version, name)] = renamed(schema, (named) => nameOf(version, named))
  return { schemas, nameOf }
}

const inDocument = '#/components/schemas/'

/** Copies a schema, and renames the schemas that it refers to. */
const renamed = (schema: JsonObject, nameOf: (name: string) => string): JsonObject =>
  Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, renamedValue(key, value, nameOf)]))

function renamedValue(key: string, value: JsonValue, nameOf: (name: string) => string): JsonValue {
  if (typeof value === 'string')
    return key === '$ref' && value.startsWith(inDocument)
      ? `${inDocument}${nameOf(value.slice(inDocument.length))}`
      : value
  if (typeof value !== 'object' || value === null) return value
  return isList(value) ? value.map((item) => renamedValue('', item, nameOf)) : renamed(value, nameOf)
}

const isList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value)
