import { createConfig, lintFromString } from '@redocly/openapi-core'
import { validate } from '@scalar/openapi-parser'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'

import { codedErrors } from '../../src/error-formats/coded-errors.ts'
import { describeDocument, type DocumentDescription } from '../../src/openapi/describe-document.ts'
import type { ExportHandlerOptions } from '../../src/options/options.ts'
import { handlers, info, path } from './described-handlers.ts'
import { describedOptions, encodings, formats } from './every-answer.ts'

const servers = [{ url: 'https://exports.test' }]
const license = { license: { name: 'MIT', identifier: 'MIT' } }
const itemSchema = { type: 'object', properties: { event: { type: 'string' } } }

test.each<[string, Partial<ExportHandlerOptions>, Partial<DocumentDescription>]>([
  ['a handler with every option', handlers.everything, { formats, encodings }],
  ['the same in OpenAPI 3.2', handlers.everything, { formats, encodings, openapi: '3.2', itemSchema }],
  ['a handler with codes', handlers.codes, { tags: ['exports'], prefix: '', securityName: 'token' }],
  [
    'a handler with its own error format',
    { versions: { v1: { errors: (refusal) => codedErrors()(refusal) } } },
    {},
  ],
])('three linters accept the document of %s', async (_, changes, more) => {
  const tags = more.tags?.map((name) => ({ name, description: 'Exports' }))
  const document = describeDocument(describedOptions(changes), {
    path,
    servers,
    info: { ...info, ...license },
    ...more,
  })
  const text = JSON.stringify({ ...document, ...(tags && { tags }) })
  const config = await createConfig({ extends: ['recommended'] })
  const problems = await lintFromString({ source: text, config })
  expect(problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([])
  expect(await validate(text)).toMatchObject({ valid: true })
  expect(await new Validator().validate(JSON.parse(text) as Record<string, unknown>)).toEqual({ valid: true })
})
