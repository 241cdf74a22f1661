import type { ExportQuery, FindExport, ReadyRecord } from '../catalogue.ts'
import { nearestName } from '../nearest-name.ts'
import type { Tenant } from '../ports.ts'
import type { ExportRequest } from '../request-response.ts'
import { checkRecord } from '../steps/check-record.ts'
import type { Exchange } from './exchange.ts'

/** An {@link ExportQuery} whose ids do not have the type `AskedId` yet. */
type Lookup<T extends Tenant> = Omit<ExportQuery<T>, 'exportId' | 'tenant'> & {
  readonly exportId: string
  readonly tenant: T
}

interface Catalogue<T extends Tenant> {
  readonly findExport: FindExport<T>
  readonly idPattern?: RegExp | undefined
  readonly now: () => number
}

/** Finds the record of the export in the catalogue, and checks it. Refuses if there is none, or if it is not ready. */
export async function findRecord<T extends Tenant>(
  lookup: Lookup<T>,
  { findExport, idPattern, now }: Catalogue<T>,
  exchange: Exchange,
): Promise<ReadyRecord> {
  const query = asQuery(lookup)
  const record = await exchange.callPort('catalogue', (signal) => findExport(query, signal))
  reportUnknownMembers(record, exchange)
  return checkRecord(record, query, now(), idPattern)
}

/** Gives the ids the type `AskedId`, so that the compiler refuses them in a record. Returns the same object. */
function asQuery<T extends Tenant>(lookup: Lookup<T>): ExportQuery<T>
function asQuery(lookup: unknown): unknown {
  return lookup
}

// Mistakes of the host that do not refuse a request. Each is reported once per handler.

const recordMembers = ['id', 'tenantId', 'key', 'format', 'state', 'expiresAt', 'filename', 'object']
const objectMembers = ['size', 'validator', 'lastModified', 'sha256', 'encoding']
const members: ReadonlySet<string> = new Set(recordMembers)
const membersOfObject: ReadonlySet<string> = new Set(objectMembers)

/** Reports members of a record that the handler does not know, such as `expires_at`, and suggests the most similar known name. */
function reportUnknownMembers(record: unknown, { trouble }: Pick<Exchange, 'trouble'>): void {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return
  for (const name of Object.keys(record)) {
    if (members.has(name)) continue
    const nearest = membersOfObject.has(name) ? `object.${name}` : nearestName(name, recordMembers)
    trouble('record_unknown_member', unknownMember(name, nearest, recordMembers), name)
  }
  if (!('object' in record) || typeof record.object !== 'object' || record.object === null) return
  for (const name of Object.keys(record.object)) {
    if (membersOfObject.has(name)) continue
    const nearest = nearestName(name, objectMembers)
    const known = objectMembers.map((one) => `object.${one}`)
    trouble(
      'record_unknown_member',
      unknownMember(`object.${name}`, nearest && `object.${nearest}`, known),
      `object.${name}`,
    )
  }
}

const unknownMember = (name: string, nearest: string | undefined, known: readonly string[]): TypeError =>
  new TypeError(
    nearest === undefined
      ? `a record has no member '${name}'; must be one of ${known.join(', ')}`
      : `a record has no member '${name}'; did you mean ${nearest}?`,
  )

/** Reports that a route has parameters, but not `idParameter` or `tenancy.parameter`. */
export function reportMissingParameters(
  params: ExportRequest['params'],
  { idParameter, tenantName }: ParameterNames,
  { trouble }: Pick<Exchange, 'trouble'>,
): void {
  const given = Object.keys(params)
  if (given.length === 0) return
  if (!Object.hasOwn(params, idParameter))
    trouble('route_parameter_missing', missing('idParameter', idParameter, given), idParameter)
  if (tenantName.in === 'path' && !Object.hasOwn(params, tenantName.name))
    trouble('route_parameter_missing', missing('tenancy.parameter', tenantName.name, given), tenantName.name)
}

interface ParameterNames {
  readonly idParameter: string
  readonly tenantName: { readonly in: 'header' | 'path'; readonly name: string }
}

const missing = (option: string, name: string, given: readonly string[]): TypeError =>
  new TypeError(`${option} must be a parameter of the route (${given.join(', ')}); got '${name}'`)
