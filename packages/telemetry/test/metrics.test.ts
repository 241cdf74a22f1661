import { metrics } from '@opentelemetry/api'
import { AggregationTemporality } from '@opentelemetry/sdk-metrics'
import { createChaosStore } from '@sallyport/core/testing'
import { expect, onTestFinished, test } from 'vitest'

import { createReader } from './reader.ts'
import { holding, openScene, optionsOf, size } from './scene.ts'
import type { Scene } from './scene.ts'

const isEnd = ({ type }: { readonly type: string }): boolean => type === 'download_ended'

test('a download, a refusal and a HEAD are in the nine metrics, with labels from closed sets', async () => {
  const { provider, read } = createReader()
  await using scene = await openScene(
    optionsOf(createChaosStore(holding(), { faults: [{ does: 'cut', atByte: 100_000 }] })),
    { meterProvider: provider },
  )
  expect(await scene.read()).toEqual({ status: 200, bytes: size, failed: false })
  await scene.ended(isEnd)
  await scene.read({ headers: { authorization: 'Bearer bad' } })
  await scene.read({ method: 'HEAD' })
  const own = { version: 'v1', via: 'token' }
  expect(await read()).toEqual({
    'sallyport.download.duration': [{ outcome: 'completed', ...own, value: 1 }],
    'sallyport.download.time_to_first_byte': [{ ...own, value: 1 }],
    'sallyport.download.size': [{ outcome: 'completed', ...own, value: 1 }],
    'sallyport.download.active': [{ ...own, value: 0 }],
    'sallyport.download.io': [{ version: 'v1', value: size }],
    'sallyport.requests': [
      { outcome: 'completed', status: '200', value: 2 },
      { outcome: 'refused', kind: 'token_invalid', status: '401', value: 1 },
    ],
    'sallyport.store.reopens': [{ result: 'opened', value: 1 }],
    'sallyport.troubles': [{ port: 'store', code: 'store_cut', value: 1 }],
    'sallyport.admissions': [{ result: 'admitted', value: 2 }],
  })
})

test('the bytes of a running download are counted at each collection, and active goes down as it went up', async () => {
  const { provider, read } = createReader()
  await using scene: Scene = await openScene(optionsOf(holding(20_000_000)), { meterProvider: provider })
  const response = await scene.ask()
  const bytesNow = async (): Promise<number> =>
    Number((await read())['sallyport.download.io']?.[0]?.['value'] ?? 0)
  expect((await read())['sallyport.download.active']).toEqual([{ version: 'v1', via: 'token', value: 1 }])
  let received = 0
  for await (const chunk of response) {
    received += (chunk as Buffer).length
    if (received > 10_000_000) break
  }
  expect(await bytesNow()).toBeGreaterThan(9_000_000)
  response.destroy()
  const ended = await scene.ended(isEnd)
  expect(ended).toMatchObject({ outcome: 'client_aborted' })
  expect(await bytesNow()).toBe('bytesSent' in ended ? ended.bytesSent : 0)
  expect((await read())['sallyport.download.active']).toEqual([{ version: 'v1', via: 'token', value: 0 }])
})

test('a provider that is registered while a download runs sees its end', async () => {
  const { provider, read } = createReader()
  await using scene = await openScene(optionsOf(holding(20_000_000)))
  const response = await scene.ask()
  metrics.setGlobalMeterProvider(provider)
  onTestFinished(() => metrics.disable())
  for await (const _ of response);
  await scene.ended(isEnd)
  const seen = await read()
  expect(seen['sallyport.download.io']).toEqual([{ version: 'v1', value: 20_000_000 }])
  expect(seen['sallyport.download.active']).toBeUndefined()
  expect(seen['sallyport.download.duration']).toEqual([
    { outcome: 'completed', version: 'v1', via: 'token', value: 1 },
  ])
})

test('the handlers of a process add up, running downloads too', async () => {
  const { provider, read } = createReader()
  await using one = await openScene(optionsOf(holding(20_000_000)), { meterProvider: provider })
  await using other = await openScene(optionsOf(holding(10)), { meterProvider: provider })
  const response = await one.ask()
  for (let nth = 0; nth < 2; nth += 1) await other.read()
  await other.handler.drain({ withinMs: 1_000 })
  const during = await read()
  expect(during['sallyport.download.active']).toEqual([{ version: 'v1', via: 'token', value: 1 }])
  expect(during['sallyport.requests']).toEqual([{ outcome: 'completed', status: '200', value: 2 }])
  const bytes = during['sallyport.download.io']
  expect(bytes?.map(({ version }) => version)).toEqual(['v1'])
  expect(Number(bytes?.[0]?.['value'])).toBeGreaterThan(20)
  for await (const _ of response);
  await one.ended(isEnd)
  const after = await read()
  expect(after['sallyport.download.active']).toEqual([{ version: 'v1', via: 'token', value: 0 }])
  expect(after['sallyport.download.io']).toEqual([{ version: 'v1', value: 20_000_020 }])
  expect(after['sallyport.requests']).toEqual([{ outcome: 'completed', status: '200', value: 3 }])
  expect(after['sallyport.admissions']).toEqual([{ result: 'admitted', value: 3 }])
})

test('what ended before a provider was registered is not counted', async () => {
  const { provider, read } = createReader()
  await using scene = await openScene(optionsOf(holding(10)))
  await scene.read()
  await scene.ended(isEnd)
  metrics.setGlobalMeterProvider(provider)
  onTestFinished(() => metrics.disable())
  expect(await read()).toEqual({})
  await scene.read()
  await scene.handler.drain({ withinMs: 1_000 })
  expect((await read())['sallyport.requests']).toEqual([{ outcome: 'completed', status: '200', value: 1 }])
  expect((await read())['sallyport.download.io']).toEqual([{ version: 'v1', value: 10 }])
})

test('an SDK that exports the changes since its last export gets them', async () => {
  const { provider, read } = createReader(AggregationTemporality.DELTA)
  await using scene = await openScene(optionsOf(holding(10)), { meterProvider: provider })
  const requests: unknown[] = []
  for (const times of [2, 3]) {
    for (let nth = 0; nth < times; nth += 1) await scene.read({ method: 'HEAD' })
    requests.push((await read())['sallyport.requests'])
  }
  expect(requests).toEqual([2, 3].map((value) => [{ outcome: 'completed', status: '200', value }]))
})

test('labels are closed: callers cannot make new ones', async () => {
  const { provider, read } = createReader()
  await using scene = await openScene(optionsOf(holding(10)), { meterProvider: provider })
  for (let nth = 0; nth < 60; nth += 1) {
    const more = { 'x-api-version': `v${nth}`, 'x-org-name': `org-${nth}`, 'x-request-id': `${nth}` }
    await scene.read({ headers: { authorization: `Bearer sub-${nth}`, ...more } })
    await scene.read({ path: `/exports/${nth}/download`, method: `M${nth}` })
  }
  await scene.handler.drain({ withinMs: 0 })
  const sets = Object.values(await read()).flat()
  expect(sets.length).toBeLessThan(12)
  expect(JSON.stringify(sets)).not.toMatch(/org-|sub-|v[02-9]|acme/)
})

test.each([['a limiter', { by: 'a caller chose this', status: 429, label: 'other' }]])(
  '%s that names what was not asked',
  async (_, { by, status, label }) => {
    const { provider, read } = createReader()
    const limiter = { admit: async () => ({ admitted: false, left: [], by, retryAfterMs: 5 }) as const }
    await using scene = await openScene(optionsOf(holding(10), { limits: { limiter } }), {
      meterProvider: provider,
    })
    expect(await scene.read()).toMatchObject({ status })
    expect((await read())['sallyport.admissions']).toEqual([{ result: 'refused', by: label, value: 1 }])
  },
)
