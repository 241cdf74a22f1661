import type { HandlerSettings } from '../options/resolve-options.ts'
import type { Tenant } from '../ports.ts'
import type { InvalidField, JsonObject, RefusalKind } from '../refusals.ts'
import { statusOf } from '../refusals.ts'
import type { FilledDescription } from './description.ts'
import { errorSchemas } from './error-schemas.ts'
import { exportContent } from './export-content.ts'
import { headerComponents, headerFields } from './header-fields.ts'
import { refusalResponses } from './refusal-responses.ts'

/** The responses of one operation, by status. */
type OfOperation = Readonly<Record<string, JsonObject>>

/** The responses of all operations, and the components that they refer to. */
export interface Responses {
  readonly get: OfOperation
  readonly head: OfOperation
  readonly options: OfOperation
  /** `{}`: the handler has no tickets. */
  readonly ticket: OfOperation
  readonly schemas: Readonly<Record<string, JsonObject>>
  readonly headers: Readonly<Record<string, JsonObject>>
}

/** Makes the responses that a handler with these options can give. */
export function responsesOf<T extends Tenant>(
  settings: HandlerSettings<T>,
  description: FilledDescription,
): Responses {
  const { prefix } = description
  const { tickets, delivery } = settings
  const fields = headerFields(settings, description)
  const { schemas, nameOf } = errorSchemas(settings, prefix)

  const usedFields = new Set<string>()
  const withFields = (names: readonly string[], response: JsonObject): JsonObject => {
    for (const name of names) usedFields.add(name)
    const headers = names.map((name) => [name, { $ref: `#/components/headers/${prefix}${name}` }] as const)
    return { ...response, headers: Object.fromEntries(headers) }
  }
  const schemaRef = (version: { readonly name: string }, name: string): JsonObject => ({
    $ref: `#/components/schemas/${nameOf(version.name, name)}`,
  })
  const refusals = (
    kinds: readonly RefusalKind[],
    { hasPage = false, limited = true }: { readonly hasPage?: boolean; readonly limited?: boolean } = {},
  ): OfOperation => {
    const byStatus = refusalResponses(kinds, settings, [sampleFault(settings)], schemaRef, hasPage)
    const responses = [...byStatus].map(([status, { description, content, ...shown }]) => {
      const names = fields.refusal({ ...shown, limited })
      return [String(status), withFields(names, { description, content })] as const
    })
    return Object.fromEntries(responses)
  }

  const content = exportContent(settings, description)
  const parts = delivery.multipleRanges ? { 'multipart/byteranges': binary } : {}
  const ticket = { 'application/json': { schema: { $ref: `#/components/schemas/${prefix}IssuedTicket` } } }
  const partFields = [...fields.export, 'Content-Range']
  const notModified = withFields(fields.notModified, { description: 'The client has the export already.' })
  const kinds = downloadKinds.filter((kind) => tickets || !ticketKinds.has(kind))
  const responses = {
    get: {
      '200': withFields(fields.export, { description: 'The whole export.', content }),
      '206': withFields(partFields, {
        description: 'A part of the export.',
        content: { ...content, ...parts },
      }),
      '304': notModified,
      ...refusals(kinds, { hasPage: tickets !== undefined }),
    },
    head: {
      '200': withFields(fields.export, { description: 'The header fields of the whole export.' }),
      '304': notModified,
      ...withoutContent(refusals(kinds.filter((kind) => kind !== 'range_not_satisfiable'))),
    },
    options: {
      '204': withFields(fields.options, { description: 'The methods of the path are in Allow.' }),
      // OpenAPI has no other place for the response to a method that the path does not have.
      ...refusals(['method_not_allowed', 'unavailable'], { limited: false }),
    },
    ticket: tickets
      ? {
          '201': withFields(fields.ticket, {
            description: 'A URL that works without a token.',
            content: ticket,
          }),
          ...refusals(issueKinds),
        }
      : {},
  }
  const headers = Object.entries(headerComponents(usedFields, settings))
  return {
    ...responses,
    schemas: { ...schemas, ...(tickets && { [`${prefix}IssuedTicket`]: issuedTicket }) },
    headers: Object.fromEntries(headers.map(([name, field]) => [`${prefix}${name}`, field])),
  }
}

const withoutContent = (responses: OfOperation): OfOperation =>
  Object.fromEntries(
    Object.entries(responses).map(([status, { description = '', headers = {} }]) => [
      status,
      { description, headers },
    ]),
  )

const binary = { schema: { type: 'string', format: 'binary' } }

const ticketKinds: ReadonlySet<string> = new Set(['ticket_invalid', 'ticket_expired'])

/** The kinds that a GET can meet. */
const downloadKinds = Object.keys(statusOf).filter(
  (kind): kind is RefusalKind => kind !== 'method_not_allowed',
)

/** The kinds that a request for a ticket can meet. It takes no slot, and no store is asked. */
const issueKinds: readonly RefusalKind[] = [
  'invalid_request',
  'token_missing',
  'token_invalid',
  'tenant_forbidden',
  'capability_missing',
  'scope_missing',
  'rate_limited',
  'export_not_found',
  'export_pending',
  'export_failed',
  'export_expired',
  'internal',
  'upstream_error',
  'unavailable',
]

/** A malformed export id, for the examples. */
function sampleFault<T extends Tenant>({ idParameter, idPattern }: HandlerSettings<T>): InvalidField {
  const field = { part: 'export_id', in: 'path', name: idParameter, input: 'nope' } as const
  return idPattern ? { ...field, rule: 'pattern', pattern: idPattern.source } : { ...field, rule: 'uuid' }
}

const dateTime = { type: 'string', format: 'date-time' }

const issuedTicket: JsonObject = {
  title: 'IssuedTicket',
  type: 'object',
  required: ['url', 'expires_at', 'resume_until', 'filename'],
  properties: {
    url: { description: 'Downloads the export. It is secret.', type: 'string', format: 'uri-reference' },
    expires_at: { description: 'A download must begin before this time.', ...dateTime },
    resume_until: { description: 'A download that has begun can be resumed before this time.', ...dateTime },
    filename: { description: 'The name of the file.', type: 'string' },
    size: { description: 'Bytes of the export, if the catalogue knows them.', type: 'integer', minimum: 0 },
  },
}
