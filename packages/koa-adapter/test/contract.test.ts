import { adapterContract } from '@sallyport/core/testing'
import Koa3 from 'koa'
import Koa2 from 'koa2'
import { describe, expect, test } from 'vitest'

import { listen, mount } from './serve-koa.ts'

describe.each([
  { major: 3, Koa: Koa3 },
  { major: 2, Koa: Koa2 },
])('the adapter keeps the contract on Koa $major', ({ Koa }) => {
  const cases = adapterContract((handler) => listen(mount(new Koa(), handler)))
  const over1 = cases.filter(({ title }) => !title.startsWith('HTTP/2: '))
  test.each(over1)('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})
