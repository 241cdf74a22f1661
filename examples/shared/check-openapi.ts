import assert from 'node:assert/strict'
import { subscribe } from 'node:diagnostics_channel'

import { createAnswerRecorder, type RecordedAnswer } from '@sallyport/core/testing'

import type { Check, Service } from './check-service.ts'

/** What `undici:request:headers` says of a response. Names and values alternate. */
interface Received {
  readonly request: { readonly origin: unknown; readonly method: string; readonly path: string }
  readonly response: { readonly statusCode: number; readonly headers: readonly Buffer[] }
}

const answers: (RecordedAnswer & { readonly origin: string })[] = []

// Every response to a fetch of this process. https://undici.nodejs.org/#/docs/api/DiagnosticsChannel
subscribe('undici:request:headers', (message) => {
  const { request, response } = message as Received
  const texts = response.headers.map((bytes) => bytes.toString('latin1'))
  const headers = texts.flatMap((name, at) => (at % 2 === 0 ? [[name, texts[at + 1] ?? ''] as const] : []))
  const { origin, method, path } = request
  answers.push({ origin: String(origin), method, path, status: response.statusCode, headers })
})

/** The answers that the checks before this one must have caused. */
const expected = ['GET 200', 'GET 206', 'GET 401', 'GET 403', 'GET 404', 'GET 416', 'HEAD 200', 'POST 201']

/** Compares what the service has answered so far with its own description. It must be the last check of a running service. */
export const describedAnswers: Check<Service> = {
  title: '/openapi.json describes everything that the service has answered',
  run: async ({ origin }) => {
    const document: unknown = await (await fetch(`${origin}/openapi.json`)).json()
    assert(typeof document === 'object' && document !== null)
    const recorder = createAnswerRecorder(document)
    const ours = answers.filter((answer) => answer.origin === origin)
    for (const answer of ours) recorder.record(answer)
    assert.deepEqual(recorder.undescribed(), [])
    const seen = new Set(ours.map(({ method, status }) => `${method} ${status}`))
    assert.deepEqual(
      expected.filter((one) => !seen.has(one)),
      [],
    )
  },
}
