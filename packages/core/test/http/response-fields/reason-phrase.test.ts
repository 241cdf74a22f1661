import { STATUS_CODES } from 'node:http'

import { expect, test } from 'vitest'

import { reasonPhrase } from '../../../src/http/response-fields.ts'
import { statusOf } from '../../../src/refusals.ts'

test.each([...new Set(Object.values(statusOf))])('%d has the phrase of the registry', (status) => {
  expect(reasonPhrase(status)).toBe(STATUS_CODES[status])
})

test('422 has its newer phrase, and an unknown status a plain one', () => {
  expect(reasonPhrase(422)).toBe('Unprocessable Content')
  expect(reasonPhrase(599)).toBe('Error')
})
