import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Check, Service } from '@sallyport/example-shared/check-service'
import { parse } from 'yaml'

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly schema: { readonly default?: string; readonly format?: string }
}
interface Document {
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly parameters?: readonly Parameter[]
        readonly get: {
          readonly operationId: string
          readonly security: readonly Readonly<Record<string, unknown>>[]
          readonly parameters: readonly Parameter[]
          readonly responses: Readonly<
            Record<string, { readonly content: Readonly<Record<string, { schema: object }>> }>
          >
        }
      }
    >
  >
  readonly components: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>
}

/** What the published contract says of the endpoint and a client depends on. Descriptions are left out: they are for readers. */
function promised({ paths, components }: Document, published: Document): object {
  const [[path, wanted] = ['', undefined]] = Object.entries(published.paths)
  assert(wanted)
  const item = paths[path]
  assert(item)
  const { operationId, security, parameters, responses } = item.get
  const all = [...(item.parameters ?? []), ...parameters]
  const named = wanted.get.parameters.map(({ name }) => all.find((one) => one.name === name))
  const schemas = Object.keys(published.components['schemas'] ?? {})
  const bearers = Object.values(components['securitySchemes'] ?? {}).filter(({ type }) => type === 'http')
  return {
    path,
    operationId,
    parameters: named.map((one) => [
      one?.name,
      one?.in,
      one?.required,
      one?.schema.default,
      one?.schema.format,
    ]),
    'a token alone is enough': security.some((needed) => Object.keys(needed).length === 1),
    200: 'application/json' in (responses['200']?.content ?? {}),
    422: responses['422']?.content['application/json']?.schema,
    schemas: schemas.map((name) => [name, withoutDescriptions(components['schemas']?.[name])]),
    bearer: bearers.map(({ type, scheme, bearerFormat }) => [type, scheme, bearerFormat]),
  }
}

const withoutDescriptions = (schema: unknown): unknown =>
  JSON.parse(JSON.stringify(schema), (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const { description: _text, examples: _examples, ...others } = value as Record<string, unknown>
    return others
  }) as unknown

/** The description and the contract that was published for this endpoint. */
export const contract: Check<Service> = {
  title: '/openapi.json equals the published contract where that speaks',
  run: async ({ origin }) => {
    const text = await readFile(join(import.meta.dirname, 'published-contract.yaml'), 'utf8')
    const published = parse(text) as Document
    const served = (await (await fetch(`${origin}/openapi.json`)).json()) as Document
    assert.deepEqual(promised(served, published), promised(published, published))
  },
}
