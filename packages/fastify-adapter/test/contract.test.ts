import { adapterContract } from '@sallyport/core/testing'
import { describe, expect, test } from 'vitest'

import { serveFastify, serveFastifyHttp2 } from './serve-fastify.ts'

describe('the adapter keeps the contract on Fastify', () => {
  const cases = adapterContract(serveFastify).filter(({ title }) => !title.startsWith('HTTP/2: '))
  test.each(cases)('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

describe('the adapter keeps the contract on Fastify over HTTP/2', () => {
  const cases = adapterContract(serveFastifyHttp2)
  const over2 = cases.filter(({ title }) => !title.startsWith('HTTP/1.1: ') && !title.includes('10,000'))
  test.each(over2)('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})
