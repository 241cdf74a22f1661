import * as check from '../check-options.ts'
import type { ExportHandlerOptions } from '../options/options.ts'
import type { Tenant } from '../ports.ts'
import type { JsonObject } from '../refusals.ts'
import type { DescribedExport } from './describe-export.ts'
import { describeExport } from './describe-export.ts'
import type { ExportDescription } from './description.ts'

/** What a whole document needs beside the description of the endpoint. */
export interface DocumentDescription extends ExportDescription {
  /** The `info` of the document: title and version of your API, and what else OpenAPI allows there. */
  readonly info: { readonly title: string; readonly version: string } & JsonObject
}

/** An OpenAPI document with nothing but the endpoint. */
export interface DescribedDocument extends DescribedExport {
  /** The version of the OpenAPI specification. */
  readonly openapi: '3.1.1' | '3.2.0'
  /** As given. */
  readonly info: JsonObject
  /** As given. Absent: the document was served from the same origin. */
  readonly servers?: readonly JsonObject[]
}

const info = check.object<{ title: string; version: string }>(
  '{ title, version, … }',
  { title: check.text('a title'), version: check.text('the version of your API') },
  'allowed',
)

/**
 * Describes the endpoint of a handler as a whole OpenAPI document, as {@link describeExport} describes it.
 *
 * @param options - the options that `createExportHandler` gets
 * @param description - as of `describeExport`, and `info`
 * @returns the document, to be served as `application/json`
 * @throws TypeError that names each wrong option
 */
export function describeDocument<T extends Tenant>(
  options: ExportHandlerOptions<T>,
  description: DocumentDescription,
): DescribedDocument {
  const { info: about, servers, ...endpoint } = description
  check.checkOptions('describeDocument', { info: about }, check.object('{ info, … }', { info }))
  const { paths, components } = describeExport(options, endpoint)
  return {
    openapi: endpoint.openapi === '3.2' ? '3.2.0' : '3.1.1',
    info: about,
    ...(servers && { servers }),
    paths,
    components,
  }
}
