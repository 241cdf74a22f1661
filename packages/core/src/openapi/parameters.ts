import { wrongOptions } from '../check-options.ts'
import type { HandlerSettings } from '../options/resolve-options.ts'
import type { Tenant } from '../ports.ts'
import type { JsonObject } from '../refusals.ts'
import { serves } from '../steps/negotiate-version.ts'
import { pathParameters } from './description.ts'

/** The parameters of each operation. */
export interface Parameters {
  /** Of the path: all operations have them. */
  readonly path: readonly JsonObject[]
  readonly get: readonly JsonObject[]
  readonly head: readonly JsonObject[]
  readonly ticket: readonly JsonObject[]
}

/** Makes the parameters. Throws a `TypeError` if `path` lacks a parameter that the handler reads. */
export function parametersOf<T extends Tenant>(path: string, settings: HandlerSettings<T>): Parameters {
  const { tenantName, idParameter, tickets, tenancy } = settings
  const inPath = pathParameters(path)
  const needed = [idParameter, ...(tenantName.in === 'path' ? [tenantName.name] : [])]
  const missing = needed.filter((name) => !inPath.includes(name))
  if (missing.length > 0)
    throw wrongOptions('describeExport', [
      `path: must contain ${missing.map((name) => `{${name}}`).join(' and ')}; got '${path}'`,
    ])
  const isRequired = tenancy.mode === 'multi' && tenancy.headerOptional !== true
  const tenant = (required: boolean): readonly JsonObject[] =>
    tenantName.in === 'header' ? [tenantHeader(settings, required)] : []
  const version = versionHeader(settings)
  return {
    path: inPath.map((name) => pathParameter(name, settings)),
    get: [...tenant(isRequired && !tickets), version, ...rangeFields, ...conditionFields, digestField],
    head: [...tenant(isRequired && !tickets), version, ...conditionFields, digestField],
    ticket: [...tenant(isRequired), version],
  }
}

function pathParameter<T extends Tenant>(name: string, settings: HandlerSettings<T>): JsonObject {
  const { idParameter, idPattern, tenantName } = settings
  const inPath = { name, in: 'path', required: true }
  if (name === idParameter) {
    const schema = idPattern
      ? { type: 'string', minLength: 1, maxLength: 128, ...patternOf(idPattern) }
      : { type: 'string', format: 'uuid' }
    return { ...inPath, description: 'The id of the export.', schema }
  }
  if (tenantName.in === 'path' && name === tenantName.name)
    return { ...inPath, description: 'The name of the organization.', schema: nameSchema(tenantName.pattern) }
  return { ...inPath, schema: { type: 'string' } }
}

function tenantHeader<T extends Tenant>(settings: HandlerSettings<T>, required: boolean): JsonObject {
  const { tenantName, tenancy, tickets } = settings
  const absence = tickets ? ' A request with a ticket may omit it.' : ''
  const only =
    tenancy.mode === 'multi' && tenancy.headerOptional !== true
      ? ''
      : ' A request may omit it if the token names one organization.'
  return {
    name: tenantName.name,
    in: 'header',
    required,
    description: `The name of the organization.${required ? '' : absence}${tenancy.mode === 'single' ? ' It may be omitted.' : only}`,
    schema: nameSchema(tenantName.pattern),
  }
}

const nameSchema = (pattern: RegExp): JsonObject => ({
  type: 'string',
  minLength: 1,
  maxLength: 64,
  ...patternOf(pattern),
})

/** The pattern for the whole text. JSON Schema has no flags, so a pattern with flags that change its meaning is left out. */
const patternOf = ({ source, flags }: RegExp): JsonObject =>
  /[ims]/.test(flags)
    ? {}
    : { pattern: source.startsWith('^') && source.endsWith('$') ? source : `^(?:${source})$` }

function versionHeader<T extends Tenant>({
  versionHeader: name,
  versions,
  defaultVersion,
  now,
}: HandlerSettings<T>): JsonObject {
  const served = [...versions.values()].filter((version) => serves(version, now()))
  return {
    name,
    in: 'header',
    required: false,
    description: `The API version. If it is absent, ${defaultVersion.name} answers.`,
    schema: { type: 'string', enum: served.map(({ name }) => name), default: defaultVersion.name },
  }
}

const header = (name: string, description: string): JsonObject => ({
  name,
  in: 'header',
  required: false,
  description,
  schema: { type: 'string' },
})

const rangeFields = [
  header('Range', 'The bytes to send, such as bytes=1000- (RFC 9110 §14.2). A malformed value is ignored.'),
  header(
    'If-Range',
    'The ETag of the part that the client has. If it does not match, the whole export is sent.',
  ),
]
const conditionFields = [
  header('If-Match', 'Refuses with 412 if the export does not match (RFC 9110 §13.1.1).'),
  header('If-None-Match', 'Answers 304 if the export matches (RFC 9110 §13.1.2).'),
  header('If-Modified-Since', 'Answers 304 if the export is not newer (RFC 9110 §13.1.3).'),
  header('If-Unmodified-Since', 'Refuses with 412 if the export is newer (RFC 9110 §13.1.4).'),
]
const digestField = header('Want-Repr-Digest', 'sha-256=1 asks for the SHA-256 of the whole (RFC 9530 §4).')
