import { reasonPhrase } from '../http/response-fields.ts'
import type { HandlerSettings } from '../options/resolve-options.ts'
import type { Tenant } from '../ports.ts'
import type { ErrorFormat, InvalidField, JsonObject, JsonValue, Refusal, RefusalKind } from '../refusals.ts'
import { statusOf } from '../refusals.ts'
import type { ShownRefusals } from './header-fields.ts'

/** A version of the handler. */
type Version = HandlerSettings<Tenant>['defaultVersion']

/** A refusal as one version shows it. */
interface Shown extends ReturnType<ErrorFormat> {
  readonly version: Version
  readonly kind: RefusalKind
}

/** The response to refusals of some kinds, without its header fields. */
export interface RefusalResponse extends Omit<ShownRefusals, 'limited'> {
  readonly description: string
  readonly content: Readonly<Record<string, JsonObject>>
}

/**
 * Makes the responses of these kinds. Status, media type and examples come from the error formats themselves: each is called once
 * for each kind.
 *
 * @param sampleFields - the invalid parts in the example of an invalid request
 * @param schemaRef - makes the reference to a schema of a version's error format
 * @param hasPage - whether a browser that followed a link with a ticket gets an HTML page
 */
export function refusalResponses<T extends Tenant>(
  kinds: readonly RefusalKind[],
  { versions }: HandlerSettings<T>,
  sampleFields: readonly InvalidField[],
  schemaRef: (version: Version, name: string) => JsonObject,
  hasPage: boolean,
): ReadonlyMap<number, RefusalResponse> {
  const shown = [...versions.values()].flatMap((version) =>
    kinds.map((kind): Shown => ({ version, kind, ...version.errors(sampleRefusal(kind, sampleFields)) })),
  )
  const isOnly = versions.size === 1
  const statuses = [...new Set(shown.map(({ status }) => status))].toSorted((a, b) => a - b)
  return new Map(
    statuses.map((status) => {
      const here = shown.filter((one) => one.status === status)
      const types = [...new Set(here.map(({ contentType }) => contentType))]
      const content = Object.fromEntries(
        types.map((type) => {
          const bodies = here.filter(({ contentType }) => contentType === type)
          return [type, { schema: schemaOf(bodies, schemaRef), examples: examplesOf(bodies, isOnly) }]
        }),
      )
      const page =
        hasPage && status !== 401 ? { 'text/html; charset=utf-8': { schema: { type: 'string' } } } : {}
      const kindsHere = new Set(here.map(({ kind }) => kind))
      const mayWait = here.some((one) => waits(one.kind) || one.retryAfterMs !== undefined)
      const versionFields = here.flatMap(({ version }) => Object.keys(version.headers))
      const description = describe(status)
      return [
        status,
        { kinds: kindsHere, versionFields, mayWait, description, content: { ...content, ...page } },
      ]
    }),
  )
}

/** Whether the handler knows a time to wait for this kind. */
const waits = (kind: RefusalKind): boolean => [429, 503].includes(statusOf[kind])

/** A refusal to show a format what it would get. */
function sampleRefusal(kind: RefusalKind, fields: readonly InvalidField[]): Refusal {
  return {
    kind,
    status: statusOf[kind],
    requestId: '6f1c2d1e-8a5b-4a57-9f0e-2b7c9d3e4f50',
    ...(waits(kind) && { retryAfterMs: 5_000 }),
    ...(kind === 'invalid_request' && { fields }),
  }
}

function schemaOf(
  bodies: readonly Shown[],
  schemaRef: (version: Version, name: string) => JsonObject,
): JsonObject {
  const schemas = bodies.map(({ version, kind }) => {
    const name = version.errors.bodies?.schemaOf(kind)
    return name === undefined ? {} : schemaRef(version, name)
  })
  const unique = uniqueJson(schemas)
  const [only = {}, ...more] = unique
  return more.length === 0 ? only : { anyOf: unique }
}

/** The bodies by the kind, or by version and kind. Equal bodies of a version are shown once, by the first kind. */
function examplesOf(bodies: readonly Shown[], isOnly: boolean): JsonObject {
  const seen = new Set<string>()
  const examples: Record<string, JsonObject> = {}
  for (const { version, kind, body, contentType } of bodies) {
    const once = `${version.name} ${body}`
    if (seen.has(once)) continue
    seen.add(once)
    examples[isOnly ? kind : `${version.name}_${kind}`] = { value: valueOf(contentType, body) }
  }
  return examples
}

function valueOf(contentType: string, body: string): JsonValue {
  const value: unknown = /[/+]json\b/i.test(contentType) ? JSON.parse(body) : body
  return isJson(value) ? value : body
}

/** What `JSON.parse` returns is a JSON value. */
const isJson = (value: unknown): value is JsonValue => value !== undefined

function uniqueJson(values: readonly JsonObject[]): readonly JsonObject[] {
  const known = new Map(values.map((value) => [JSON.stringify(value), value]))
  return [...known.values()]
}

const describe = (status: number): string => `${reasonPhrase(status)}. ${meanings[status] ?? ''}`.trimEnd()

const meanings: Readonly<Record<number, string>> = {
  400: 'The export id, the organization, the version or the ticket is malformed, or missing.',
  401: 'The request has no valid access token.',
  403: 'The token or ticket does not permit to download this export.',
  404: 'There is no such export to download. An export of another organization gets the same response.',
  405: 'The response to any method that is not in Allow.',
  410: 'The ticket has expired or was revoked.',
  412: 'A precondition of the request is false.',
  416: 'No range of the request is inside the export.',
  422: 'The export id, the organization, the version or the ticket is malformed, or missing.',
  429: 'A quota is used up, or too many downloads are running.',
  500: 'The service has a fault.',
  502: 'A service behind it answered wrongly.',
  503: 'The service, or one behind it, does not answer. Try again after the time in Retry-After.',
}
