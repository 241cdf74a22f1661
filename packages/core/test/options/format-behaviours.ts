import type { Behaviours } from '../../../../scripts/test-options.ts'
import { codedErrors } from '../../src/error-formats/coded-errors.ts'
import { problemDetails } from '../../src/error-formats/problem-details.ts'
import { validationErrors } from '../../src/error-formats/validation-errors.ts'
import type { Refusal } from '../../src/refusals.ts'

const missing: Refusal = { kind: 'export_not_found', status: 404, requestId: 'r-1' }
const pending: Refusal = { kind: 'export_pending', status: 404, requestId: 'r-1' }
const invalid: Refusal = {
  kind: 'invalid_request',
  status: 400,
  requestId: 'r-1',
  fields: [
    { part: 'tenant', in: 'header', name: 'X-Org-Name', input: 'a'.repeat(65), rule: 'max_length', most: 64 },
  ],
}
const brief = {
  type: 'string_too_long',
  loc: ['header', 'X-Org-Name'],
  msg: 'String should have at most 64 characters',
}

const typeAndTitle = ({ body }: { readonly body: string }): unknown => {
  const { type, title } = JSON.parse(body) as Readonly<Record<string, unknown>>
  return [type, title]
}

export const problemBehaviours: Behaviours<NonNullable<Parameters<typeof problemDetails>[0]>> = {
  typeBase: {
    see: async (changes) => typeAndTitle(problemDetails(changes)(missing)),
    before: ['about:blank', 'Not Found'],
    after: [
      [
        { typeBase: new URL('https://docs.example/errors/') },
        ['https://docs.example/errors/export-not-found', 'Export not found'],
      ],
    ],
  },
}

const memberOf = ({ body }: { readonly body: string }, name: string): unknown =>
  (JSON.parse(body) as Readonly<Record<string, unknown>>)[name]

export const codedBehaviours: Behaviours<NonNullable<Parameters<typeof codedErrors>[0]>> = {
  revealState: {
    see: async (changes) => {
      const answer = codedErrors(changes)(pending)
      return [memberOf(answer, 'details'), answer.retryAfterMs]
    },
    before: [{ reason: 'export_not_found' }, undefined],
    after: [[{ revealState: true }, [{ reason: 'export_not_ready' }, 5_000]]],
  },
}

export const validationBehaviours: Behaviours<NonNullable<Parameters<typeof validationErrors>[0]>> = {
  detail: {
    see: async (changes) => memberOf(validationErrors(changes)(invalid), 'detail'),
    before: [brief],
    after: [[{ detail: 'full' }, [{ ...brief, input: 'a'.repeat(65), ctx: { max_length: 64 } }]]],
  },
}
