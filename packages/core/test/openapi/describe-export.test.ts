import { describe, expect, test } from 'vitest'

import { problemDetails } from '../../src/error-formats/problem-details.ts'
import { validationErrors } from '../../src/error-formats/validation-errors.ts'
import { describeDocument } from '../../src/openapi/describe-document.ts'
import { describeExport, type DescribedExport } from '../../src/openapi/describe-export.ts'
import type { ExportDescription } from '../../src/openapi/description.ts'
import type { ExportHandlerOptions } from '../../src/options/options.ts'
import type { JsonValue } from '../../src/refusals.ts'
import { soundOptions } from '../handler/scene.ts'
import { handlers, info, path } from './described-handlers.ts'

const described = (
  changes: Partial<ExportHandlerOptions> = {},
  more: Partial<ExportDescription> = {},
): DescribedExport => describeExport({ ...soundOptions(), ...changes }, { path, ...more })

/** What stands at a place, such as `paths./x.get.responses.200`; places are separated by a space. */
const at = (value: object, place: string): unknown =>
  place
    .split(' ')
    .reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], value)

const namesAt = (value: object, place: string): readonly string[] => Object.keys(at(value, place) ?? {})

const parameter = (value: object, name: string, method = 'get'): unknown =>
  (at(value, `paths ${path} ${method} parameters`) as { name: string }[]).find((one) => one.name === name)

describe('what the options decide', () => {
  test('statuses: those of a handler without tickets, with tickets, and with validation errors', () => {
    const statuses = (changes: Partial<ExportHandlerOptions>): readonly string[] =>
      namesAt(described(changes), `paths ${path} get responses`)
    const usual = ['200', '206', '304', '400', '401', '403', '404', '412', '416', '429', '500', '502', '503']
    expect(statuses({})).toEqual(usual)
    expect(statuses({ tickets: handlers.everything.tickets })).toEqual([...usual, '410'].toSorted())
    expect(statuses({ versions: { v1: { errors: validationErrors() } } })).toEqual(
      usual.map((status) => (status === '400' ? '422' : status)).toSorted(),
    )
  })

  test('the ticket route and its scheme are there only with tickets', () => {
    const without = described()
    expect(Object.keys(without.paths)).toEqual([path])
    expect(Object.keys(without.components.securitySchemes)).toEqual(['ExportBearer'])
    expect(at(without, `paths ${path} get security`)).toEqual([{ ExportBearer: [] }])
    const tickets = described({ tickets: handlers.everything.tickets })
    expect(Object.keys(tickets.paths)).toEqual([path, '/exports/{exportId}/ticket'])
    expect(tickets.components.securitySchemes['ExportTicket']).toMatchObject({
      type: 'apiKey',
      in: 'query',
      name: 'sig',
    })
    expect(at(tickets, `paths ${path} get security`)).toEqual([{ ExportBearer: [] }, { ExportTicket: [] }])
    expect(at(tickets, 'paths /exports/{exportId}/ticket post security')).toEqual([{ ExportBearer: [] }])
  })

  test('multipart answers only where they are served', () => {
    const types = (changes: Partial<ExportHandlerOptions>): readonly string[] =>
      namesAt(described(changes, { formats: ['csv'] }), `paths ${path} get responses 206 content`)
    expect(types({})).toEqual(['text/csv; charset=utf-8'])
    expect(types({ delivery: { multipleRanges: true } })).toEqual([
      'text/csv; charset=utf-8',
      'multipart/byteranges',
    ])
  })

  test('the organization: required, optional, in the path, or fixed', () => {
    const { tenancy } = soundOptions()
    expect(parameter(described(), 'X-Org-Name')).toMatchObject({ in: 'header', required: true })
    const { tickets } = handlers.everything
    expect(parameter(described({ tickets }), 'X-Org-Name')).toMatchObject({ required: false })
    const optional = {
      ...tenancy,
      mode: 'multi',
      findTenant: async () => undefined,
      headerOptional: true,
    } as const
    expect(parameter(described({ tenancy: optional }), 'X-Org-Name')).toMatchObject({ required: false })
    const single = { mode: 'single', tenant: { id: '1', name: 'acme' } } as const
    expect(parameter(described({ tenancy: single }), 'X-Org-Name')).toMatchObject({ required: false })
    const inPath = { mode: 'multi', findTenant: async () => undefined, parameter: 'org' } as const
    const ofOrg = describeExport(
      { ...soundOptions(), tenancy: inPath },
      { path: '/{org}/e/{exportId}/download' },
    )
    expect(at(ofOrg, 'paths /{org}/e/{exportId}/download parameters')).toMatchObject([
      { name: 'org', in: 'path', required: true, schema: { type: 'string', maxLength: 64 } },
      { name: 'exportId', in: 'path', required: true, schema: { format: 'uuid' } },
    ])
  })

  test('the id: a UUID, or a pattern for the whole id', () => {
    const schema = (idPattern?: RegExp): unknown =>
      at(described(idPattern ? { idPattern } : {}), `paths ${path} parameters 0 schema`)
    expect(schema()).toEqual({ type: 'string', format: 'uuid' })
    expect(schema(/\d{4,8}/)).toEqual({
      type: 'string',
      minLength: 1,
      maxLength: 128,
      pattern: String.raw`^(?:\d{4,8})$`,
    })
    expect(schema(/[a-z]+/i)).toEqual({ type: 'string', minLength: 1, maxLength: 128 })
  })

  test('the versions that are served now, and the default', () => {
    const versions = {
      v1: { sunset: new Date('2026-01-01') },
      v2: {},
      v3: { sunset: new Date('2027-01-01') },
    }
    const changes = { versions, defaultVersion: 'v2', now: () => Date.UTC(2026, 5, 1) }
    expect(parameter(described(changes), 'X-API-Version')).toMatchObject({
      required: false,
      schema: { enum: ['v2', 'v3'], default: 'v2' },
    })
  })

  test('a version whose sunset is over contributes nothing', () => {
    const versions = { v1: { errors: validationErrors(), sunset: new Date('2026-01-01') }, v2: {} }
    const changes = { versions, defaultVersion: 'v2', now: () => Date.UTC(2026, 5, 1) }
    const { paths, components } = described(changes)
    expect(Object.keys(components.schemas)).toEqual(['ExportProblemDetails'])
    expect(namesAt(paths, `${path} get responses`)).not.toContain('422')
    expect(Object.keys(components.headers)).not.toContain('ExportSunset')
  })

  test('two formats that name different schemas alike get the names of their versions', () => {
    const versions = {
      v1: { errors: validationErrors() },
      v2: { errors: validationErrors({ detail: 'full' }) },
      v3: { errors: problemDetails() },
    }
    const { components, paths } = described({ versions })
    expect(Object.keys(components.schemas)).toEqual([
      'ExportHTTPValidationError_v1',
      'ExportValidationError_v1',
      'ExportHTTPError_v1',
      'ExportHTTPValidationError_v2',
      'ExportValidationError_v2',
      'ExportHTTPError_v2',
      'ExportProblemDetails',
    ])
    expect(at(components.schemas, 'ExportHTTPValidationError_v2 properties detail items')).toEqual({
      $ref: '#/components/schemas/ExportValidationError_v2',
    })
    expect(at(paths, `${path} get responses 422 content application/json schema`)).toEqual({
      anyOf: [
        { $ref: '#/components/schemas/ExportHTTPValidationError_v1' },
        { $ref: '#/components/schemas/ExportHTTPValidationError_v2' },
      ],
    })
  })

  test('every reference leads somewhere, and every component is used', () => {
    const { paths, components } = described(handlers.everything)
    const text = JSON.stringify({ paths, components })
    const used = new Set(
      [...text.matchAll(/"\$ref":"#\/components\/([^"]+)"/g)].map(([, place = '']) => place),
    )
    const there = (['schemas', 'headers'] as const).flatMap((kind) =>
      Object.keys(components[kind]).map((name) => `${kind}/${name}`),
    )
    expect([...used].toSorted()).toEqual(there.toSorted())
  })

  test('an answer to a method that is not there is described with OPTIONS', () => {
    expect(namesAt(described(), `paths ${path} options responses`)).toEqual(['204', '405', '503'])
  })
})

describe('the examples of refusals', () => {
  test('are the bodies that the format makes, each once', () => {
    const examples = at(
      described(handlers.codes),
      `paths ${path} get responses 403 content application/json examples`,
    ) as Record<string, JsonValue>
    expect(Object.keys(examples)).toEqual(['tenant_forbidden', 'capability_missing'])
    expect(examples['capability_missing']).toEqual({
      value: {
        code: 'forbidden_capability_scope',
        details: { reason: 'missing_capability' },
        message: 'Insufficient capability for this operation.',
      },
    })
  })

  test('do not tell a pending export from a missing one, unless the format does', () => {
    const of404 = (changes: Partial<ExportHandlerOptions>, type: string): readonly string[] =>
      namesAt(described(changes), `paths ${path} get responses 404 content ${type} examples`)
    expect(of404({}, 'application/problem+json')).toEqual(['export_not_found'])
    expect(of404(handlers.codes, 'application/json')).toEqual([
      'export_not_found',
      'export_pending',
      'export_failed',
      'export_expired',
    ])
  })
})

test('OpenAPI 3.2 describes each line of JSON Lines', () => {
  const itemSchema = { type: 'object' }
  const { openapi, paths } = describeDocument(soundOptions(), { path, info, openapi: '3.2', itemSchema })
  expect(openapi).toBe('3.2.0')
  const content = `${path} get responses 200 content`
  expect(at(paths, `${content} application/jsonl`)).toEqual({
    schema: { type: 'string', format: 'binary' },
    itemSchema,
  })
  expect(at(paths, `${content} application/json itemSchema`)).toBeUndefined()
  expect(describeDocument(soundOptions(), { path, info }).openapi).toBe('3.1.1')
})

test.each<[object, string]>([
  [
    { path: undefined },
    "path: must be a path that begins with / and ends in /download, such as '/exports/{exportId}/download'; got nothing",
  ],
  [
    { path: '/exports/{exportId}' },
    "path: must be a path that begins with / and ends in /download, such as '/exports/{exportId}/download'; got '/exports/{exportId}'",
  ],
  [{ path: '/exports/{id}/download' }, "path: must contain {exportId}; got '/exports/{id}/download'"],
  [{ openapi: '3.0' }, "openapi: must be '3.1' or '3.2'; got '3.0'"],
  [{ itemSchema: {} }, "itemSchema: must be absent unless openapi is '3.2'; got an object"],
  [{ encodings: ['lz4'] }, "encodings: must be a list of 'gzip', 'br' and 'zstd'; got ['lz4']"],
  [{ prefix: 'a b' }, "prefix: must be a text of letters, digits, ., - and _, or empty; got 'a b'"],
  [{ securityName: '' }, 'securityName: must be a name of letters, digits, ., - and _; got an empty string'],
  [{ format: ['csv'] }, 'format: is not an option; did you mean formats?'],
])('describeExport refuses %o', (changes, message) => {
  const description = { path, ...changes } as ExportDescription
  expect(() => describeExport(soundOptions(), description)).toThrow(
    `describeExport: ${message}\n  see https://github.com/sallyport/sallyport/blob/main/docs/options.md#describeexport`,
  )
})
