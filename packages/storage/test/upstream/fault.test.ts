import { expect, test } from 'vitest'

import { refuseFault } from '../../src/upstream/fault.ts'

const thrownBy = (refused: () => never): unknown => {
  try {
    return refused()
  } catch (error) {
    return error
  }
}

test.each<[string, object, object]>([
  ['an answer that did not come in time', { word: 'no_answer_in_time' }, { trouble: 'store_silent' }],
  ['a connection that timed out', { word: 'ETIMEDOUT' }, { trouble: 'store_silent' }],
  ['a refused connection', { word: 'ECONNREFUSED' }, {}],
  ['a body that broke off', { word: 'body_cut' }, {}],
  ['an answer that says so', { word: 'ETIMEDOUT', status: 503 }, {}],
])('only a timeout has its own trouble code: %s', (_, fault, trouble) => {
  const thrown = thrownBy(() => refuseFault('unavailable', { word: '', ...fault }))
  expect(thrown).toHaveProperty('data', { kind: 'unavailable', ...trouble })
})
