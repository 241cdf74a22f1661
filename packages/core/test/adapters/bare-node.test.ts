import { describe, expect, test } from 'vitest'

import { adapterContract } from '../../src/testing.ts'
import { serveHttp, serveHttp2 } from './bare-node.ts'

describe('serveNode keeps the adapter contract', () => {
  describe('on node:http', () => {
    const cases = adapterContract(serveHttp).filter(({ title }) => !title.startsWith('HTTP/2: '))
    test.each(cases)(
      '$title',
      async ({ run }) => {
        await expect(run()).resolves.toBeUndefined()
      },
      20_000,
    )
  })

  describe('on node:http2', () => {
    const cases = adapterContract(serveHttp2).filter(({ title }) => !title.startsWith('HTTP/1.1: '))
    test.each(cases)(
      '$title',
      async ({ run }) => {
        await expect(run()).resolves.toBeUndefined()
      },
      20_000,
    )
  })
})

test('a case that an adapter cannot do is left out by its title; a title that no case has is a mistake', () => {
  const [first] = adapterContract(serveHttp)
  const cannot = { [first?.title ?? '']: 'for a reason' }
  expect(adapterContract(serveHttp, cannot)).toHaveLength(adapterContract(serveHttp).length - 1)
  expect(() => adapterContract(serveHttp, { nothing: 'at all' })).toThrow('no case is called nothing')
})
