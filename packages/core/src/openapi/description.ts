import * as check from '../check-options.ts'
import { wrongOptions } from '../check-options.ts'
import type { ContentCoding } from '../http/content-codings.ts'
import { isContentCoding } from '../http/content-codings.ts'
import type { JsonObject } from '../refusals.ts'

/** What the description needs to know beside the handler's options. */
export interface ExportDescription {
  /**
   * The path of the download below the server's URL, with the route parameters in braces: `'/exports/{exportId}/download'`. It must
   * contain the parameter `idParameter`, and `tenancy.parameter` if it is given.
   */
  readonly path: string
  /**
   * The version of the OpenAPI specification.
   * @defaultValue '3.1'
   */
  readonly openapi?: '3.1' | '3.2'
  /** The URLs that serve the path. Absent: the path is relative to the document's `servers`. */
  readonly servers?: readonly { readonly url: string; readonly description?: string }[]
  /**
   * The formats of your records. Absent: all formats that have a media type, and `application/octet-stream` for other formats.
   */
  readonly formats?: readonly string[]
  /**
   * The codings in which your store keeps objects.
   * @defaultValue `[]`: no object is stored compressed
   */
  readonly encodings?: readonly ContentCoding[]
  /** The JSON Schema of one line of a JSON Lines export. Only with `openapi: '3.2'`. Absent: lines are not described. */
  readonly itemSchema?: JsonObject
  /**
   * The name of the security scheme of access tokens.
   * @defaultValue prefix + 'Bearer'
   */
  readonly securityName?: string
  /**
   * What the names of all components begin with, so that they do not collide with those of your document.
   * @defaultValue 'Export'
   */
  readonly prefix?: string
  /**
   * The `operationId` of the download. Those of the other operations have `_head`, `_options`, `_ticket` and `_ticket_options` added.
   * @defaultValue 'downloadExport'
   */
  readonly operationId?: string
  /** The tags of all operations. Absent: no tags. */
  readonly tags?: readonly string[]
}

const name = check.accept<string>(
  'a name of letters, digits, ., - and _',
  (value): value is string => typeof value === 'string' && /^[\w.-]+$/.test(value),
  check.shown,
)
const prefix = check.accept<string>(
  'a text of letters, digits, ., - and _, or empty',
  (value): value is string => typeof value === 'string' && /^[\w.-]*$/.test(value),
  check.shown,
)
const server = check.object<NonNullable<ExportDescription['servers']>[number]>('{ url, description? }', {
  url: check.text('a URL'),
  description: check.text('a text').optional(),
})
const schema = check.accept<JsonObject>(
  'a JSON Schema',
  (value): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value),
)
const codings = check.accept<readonly ContentCoding[]>(
  "a list of 'gzip', 'br' and 'zstd'",
  (value): value is readonly ContentCoding[] => Array.isArray(value) && value.every(isContentCoding),
  check.shownList,
)

/** The checks of a description, one for each member. */
export const descriptionChecks: check.OptionChecks<ExportDescription> = {
  path: check.accept<string>(
    "a path that begins with / and ends in /download, such as '/exports/{exportId}/download'",
    (value): value is string => typeof value === 'string' && /^\/[^?#]*\/download$/.test(value),
    check.shown,
  ),
  openapi: check.oneOf('3.1', '3.2').optional(),
  servers: check.listOf('a list of { url, description? }', server).optional(),
  formats: check.listOf('a list of formats', check.text('a format')).optional(),
  encodings: codings.optional(),
  itemSchema: schema.optional(),
  securityName: name.optional(),
  prefix: prefix.optional(),
  operationId: name.optional(),
  tags: check.listOf('a list of tags', check.text('a tag')).optional(),
}

/** A description with the defaults filled in. */
export interface FilledDescription extends ExportDescription {
  readonly openapi: '3.1' | '3.2'
  readonly encodings: readonly ContentCoding[]
  readonly securityName: string
  /** The name of the security scheme of tickets. */
  readonly ticketName: string
  readonly prefix: string
  readonly operationId: string
}

/** Fills in the defaults. Throws a `TypeError` for an `itemSchema` that the chosen OpenAPI cannot express. */
export function fillDescription(description: ExportDescription): FilledDescription {
  const { openapi = '3.1', encodings = [], prefix = 'Export', operationId = 'downloadExport' } = description
  const { securityName = `${prefix}Bearer`, itemSchema } = description
  if (itemSchema && openapi !== '3.2')
    throw wrongOptions('describeExport', [
      "itemSchema: must be absent unless openapi is '3.2'; got an object",
    ])
  const ticketName = `${prefix}Ticket`
  return { ...description, openapi, encodings, prefix, operationId, securityName, ticketName }
}

/** The route parameters of a path: `/exports/{exportId}/download` has `exportId`. */
export const pathParameters = (path: string): readonly string[] =>
  [...path.matchAll(/\{([^{}]+)\}/g)].map(([, name = '']) => name)
