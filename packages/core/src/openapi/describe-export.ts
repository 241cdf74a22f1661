import * as check from '../check-options.ts'
import type { ExportHandlerOptions } from '../options/options.ts'
import type { HandlerSettings } from '../options/resolve-options.ts'
import { resolveOptions } from '../options/resolve-options.ts'
import type { Tenant } from '../ports.ts'
import type { JsonObject, JsonValue } from '../refusals.ts'
import { serves } from '../steps/negotiate-version.ts'
import type { ExportDescription } from './description.ts'
import { descriptionChecks, fillDescription } from './description.ts'
import { parametersOf } from './parameters.ts'
import { responsesOf } from './responses.ts'

/** The part of an OpenAPI document that describes the endpoint. Merge both members into those of your document. */
export interface DescribedExport {
  /** The path items: of the download, and of the ticket if the handler has tickets. */
  readonly paths: Readonly<Record<string, JsonObject>>
  /** The components that the path items refer to. */
  readonly components: {
    /** The JSON Schemas of the bodies. */
    readonly schemas: Readonly<Record<string, JsonObject>>
    /** The response fields. */
    readonly headers: Readonly<Record<string, JsonObject>>
    /** Access tokens and tickets. */
    readonly securitySchemes: Readonly<Record<string, BearerScheme | TicketScheme>>
  }
}

/** How a request carries an access token (RFC 6750). */
export type BearerScheme = {
  /** The kind of the scheme. */
  readonly type: 'http'
  /** The scheme of `Authorization`. */
  readonly scheme: 'bearer'
  /** A hint for readers. */
  readonly bearerFormat: string
  /** Says what a token is. */
  readonly description: string
}

/** How a request carries a ticket. */
export type TicketScheme = {
  /** The kind of the scheme. */
  readonly type: 'apiKey'
  /** A ticket is part of the URL. */
  readonly in: 'query'
  /** The query parameter, as `createTickets` was told. */
  readonly name: string
  /** Says what a ticket is. */
  readonly description: string
}

/**
 * Describes the endpoint of a handler in OpenAPI: the statuses, header fields, media types and error bodies that these options can
 * cause, and no others. It calls no port. The response to a method that a path does not have is described as 405 of OPTIONS, because
 * OpenAPI has no other place for it.
 *
 * @param options - the options that `createExportHandler` gets
 * @param description - the path of the endpoint, and what else the options do not say
 * @returns path items and components, to be merged into a document of yours. {@link describeDocument} makes a whole document
 * @throws TypeError that names each wrong option
 */
export function describeExport<T extends Tenant>(
  options: ExportHandlerOptions<T>,
  description: ExportDescription,
): DescribedExport {
  check.checkOptions('describeExport', description, wholeDescription)
  const settings = servedOnly(resolveOptions(options))
  const filled = fillDescription(description)
  const { path, operationId, servers, tags, securityName, ticketName } = filled
  const { tickets } = settings
  const parameters = parametersOf(path, settings)
  const responses = responsesOf(settings, filled)

  const operation = (suffix: string, summary: string): Record<string, JsonValue> => ({
    operationId: `${operationId}${suffix}`,
    summary,
    ...(tags && { tags }),
  })
  const pathItem = (suffix: string, operations: Readonly<Record<string, JsonObject>>): JsonObject => ({
    ...(servers && { servers }),
    parameters: parameters.path,
    ...operations,
    options: {
      ...operation(suffix, 'List the methods of the path'),
      security: [],
      responses: responses.options,
    },
  })
  const byToken = { [securityName]: [] }
  const security = tickets ? [byToken, { [ticketName]: [] }] : [byToken]

  const download = pathItem('_options', {
    get: {
      ...operation('', 'Download an export'),
      security,
      parameters: parameters.get,
      responses: responses.get,
    },
    head: {
      ...operation('_head', 'Get the header fields of an export'),
      security,
      parameters: parameters.head,
      responses: responses.head,
    },
  })
  const ticket = tickets && {
    [path.replace(/download$/, 'ticket')]: pathItem('_ticket_options', {
      post: {
        ...operation('_ticket', 'Get a link that a browser can follow'),
        security: [byToken],
        parameters: parameters.ticket,
        responses: responses.ticket,
      },
    }),
  }
  const { schemas, headers } = responses
  return {
    paths: { [path]: download, ...ticket },
    components: {
      schemas,
      headers,
      securitySchemes: {
        [securityName]: bearer,
        ...(tickets && { [ticketName]: ticketScheme(tickets.parameter) }),
      },
    },
  }
}

/** The settings without the versions whose sunset is over. The default version stays: it words the refusals of unknown versions. */
const servedOnly = <T extends Tenant>(settings: HandlerSettings<T>): HandlerSettings<T> => {
  const { versions, defaultVersion, now } = settings
  const served = [...versions].filter(([, version]) => version === defaultVersion || serves(version, now()))
  return { ...settings, versions: new Map(served) }
}

const wholeDescription = check.object<ExportDescription>('an object of options', descriptionChecks)

const bearer: BearerScheme = {
  type: 'http',
  scheme: 'bearer',
  bearerFormat: 'JWT or Access Token',
  description: 'An access token: a JWT or an opaque token.',
}

const ticketScheme = (parameter: string): TicketScheme => ({
  type: 'apiKey',
  in: 'query',
  name: parameter,
  description:
    'A ticket: the short-lived permission to download one export. It is part of the URL that a ticket request returns.',
})
