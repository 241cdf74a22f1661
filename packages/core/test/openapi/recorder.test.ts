import { expect, test } from 'vitest'

import { codedErrors } from '../../src/error-formats/coded-errors.ts'
import { validationErrors } from '../../src/error-formats/validation-errors.ts'
import { describeDocument } from '../../src/openapi/describe-document.ts'
import type { ExportHandler, ExportRequest, ExportResponse } from '../../src/request-response.ts'
import { adapterContract } from '../../src/testing/adapter-contract.ts'
import { createAnswerRecorder } from '../../src/testing/answer-recorder.ts'
import { serveHttp } from '../adapters/bare-node.ts'
import { handlers, info, path } from './described-handlers.ts'
import { describedOptions, encodings, everyAnswer, formats } from './every-answer.ts'

test.each(Object.entries(handlers))(
  'the description of a handler with %s says what it answers, and nothing else',
  async (_, changes) => {
    const document = describeDocument(describedOptions(changes), { path, info, formats, encodings })
    const recorder = createAnswerRecorder(document)
    for (const answer of await everyAnswer(changes)) recorder.record(answer)
    expect(recorder.undescribed()).toEqual([])
    expect(recorder.unseen()).toEqual([])
  },
)

test('every answer of the adapter contract is described', async () => {
  const options = describedOptions({
    ...handlers.everything,
    limits: {},
    versions: {
      v1: { errors: validationErrors() },
      v2: {
        errors: codedErrors(),
        deprecated: new Date('2026-01-01'),
        sunset: new Date('2030-01-01'),
        links: { deprecation: 'https://exports.test/v2' },
      },
    },
  })
  const recorder = createAnswerRecorder(describeDocument(options, { path, info, formats: ['jsonl'] }))
  let recorded = 0
  const recording =
    (route: 'download' | 'ticket', handle: ExportHandler['handle']) =>
    async (request: ExportRequest): Promise<ExportResponse> => {
      const response = await handle(request)
      const { method, params } = request
      const { status, headers } = response
      const at = params['exportId'] === undefined ? '/elsewhere' : `/exports/${params['exportId']}/${route}`
      recorder.record({ method, path: at, status, headers: Object.entries(headers) })
      recorded += 1
      return response
    }
  const cases = adapterContract((handler) =>
    serveHttp({
      ...handler,
      handle: recording('download', handler.handle),
      handleTicket: recording('ticket', handler.handleTicket),
    }),
  )
  for (const { run } of cases) await run()
  expect(recorder.undescribed()).toEqual([])
  expect(recorded).toBeGreaterThan(100)
})

const fields = { ETag: { required: true }, Vary: { $ref: '#/components/headers/Vary' } }
const response = { description: '', headers: fields, content: { 'text/csv': {} } }
const document = {
  paths: { '/a/{id}/b': { get: { responses: { '200': response } }, options: { responses: { '405': {} } } } },
  components: { headers: { Vary: { required: true } } },
}
const whole = [
  ['ETag', '"1"'],
  ['vary', 'X'],
  ['Content-Type', 'text/csv'],
] as const

test('a recorder says what is not described, and what was not received', () => {
  const recorder = createAnswerRecorder(document)
  const answer = { method: 'GET', path: '/a/1/b?c=d', status: 200, headers: whole }
  recorder.record(answer)
  expect(recorder.undescribed()).toEqual([])
  expect(recorder.unseen()).toEqual(['OPTIONS /a/{id}/b 405'])
  recorder.record({ ...answer, headers: [['Server', 'x'], ...whole.slice(1)] })
  recorder.record({ ...answer, headers: [...whole.slice(0, 2), ['Content-Type', 'text/html']] })
  recorder.record({ ...answer, status: 404 })
  recorder.record({ ...answer, method: 'DELETE', status: 405, headers: [] })
  recorder.record({ ...answer, path: '/elsewhere' })
  expect(recorder.undescribed()).toEqual([
    'GET /a/{id}/b 200 server',
    'GET /a/{id}/b 200 text/html',
    'GET /a/{id}/b 200 without etag',
    'GET /a/{id}/b 404',
  ])
  expect(recorder.unseen()).toEqual([])
})

test('a recorder needs a document with paths', () => {
  expect(() => createAnswerRecorder({})).toThrow('createAnswerRecorder: the document must have paths')
})
