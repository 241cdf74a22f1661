import { expect, test } from 'vitest'

import { createExportHandler } from '../../src/export-handler.ts'
import type { TokenVerifier } from '../../src/ports.ts'
import type { ExportHandler } from '../../src/request-response.ts'
import { soundOptions } from './scene.ts'

const { signal } = new AbortController()
const handlerOf = (ready?: TokenVerifier['ready']): ExportHandler => {
  const options = soundOptions()
  return createExportHandler({ ...options, verifier: { ...options.verifier, ...(ready && { ready }) } })
}

test('resolves at once where the verifier has nothing to wait for', async () => {
  await expect(handlerOf().ready(signal)).resolves.toBeUndefined()
})

test('resolves when the verifier is ready', async () => {
  await expect(handlerOf(() => Promise.resolve()).ready(signal)).resolves.toBeUndefined()
})

test.each<[string, (cause: Error) => Promise<never>]>([
  ['rejects', (cause) => Promise.reject(cause)],
  [
    'throws',
    (cause) => {
      throw cause
    },
  ],
])('rejects with the cause where the verifier %s', async (_, fail) => {
  const cause = new Error('keys are away')
  await expect(handlerOf(() => fail(cause)).ready(signal)).rejects.toBe(cause)
})

test('ends with its signal though the verifier does not', async () => {
  const controller = new AbortController()
  const ready = handlerOf(() => new Promise(() => undefined)).ready(controller.signal)
  controller.abort(new Error('late'))
  await expect(ready).rejects.toThrow('late')
})
