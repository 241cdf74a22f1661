import { LoggerProvider } from '@opentelemetry/sdk-logs'
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs'
import type { Sampler, SpanProcessor } from '@opentelemetry/sdk-trace'
import { AlwaysOffSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import { describe, expect, test } from 'vitest'

import type { TelemetryOptions } from '../src/telemetry.ts'
import { createReader } from './reader.ts'
import { holding, openScene, optionsOf, size } from './scene.ts'

const fail = (): never => {
  throw new Error('the exporter is broken')
}
const hang = (): Promise<void> => new Promise(() => undefined)

const processors: Record<string, SpanProcessor> = {
  throws: { onStart: fail, onEnd: fail, forceFlush: async () => fail(), shutdown: async () => fail() },
  'throws at the end': { onStart: () => undefined, onEnd: fail, forceFlush: hang, shutdown: hang },
  hangs: { onStart: () => undefined, onEnd: () => undefined, forceFlush: hang, shutdown: hang },
}
const sampler: Sampler = { shouldSample: fail, toString: () => 'broken' }
const broken: Record<string, TelemetryOptions> = {
  ...Object.fromEntries(
    Object.entries(processors).map(([name, processor]) => [
      `a span processor that ${name}`,
      { tracerProvider: new TracerProvider({ spanProcessors: [processor] }) },
    ]),
  ),
  'a sampler that throws': { tracerProvider: new TracerProvider({ sampler }) },
  'a tracer provider that throws': { tracerProvider: { getTracer: fail } },
  'a meter provider that throws': { meterProvider: { getMeter: fail } },
  'a logger provider that throws': { loggerProvider: { getLogger: fail } },
  'a log processor that throws': {
    loggerProvider: new LoggerProvider({
      processors: [{ onEmit: fail, forceFlush: hang, shutdown: hang } satisfies LogRecordProcessor],
    }),
  },
}

describe('telemetry harms no download', () => {
  test.each(Object.entries(broken))('%s', async (_, telemetry) => {
    await using scene = await openScene(optionsOf(holding()), telemetry)
    expect(await scene.read()).toEqual({ status: 200, bytes: size, failed: false })
    expect(await scene.read({ headers: { authorization: 'Bearer bad' } })).toMatchObject({ status: 401 })
    await scene.ended(({ type }) => type === 'download_ended')
    expect(scene.events.map(({ type }) => type).toSorted()).toEqual([
      'download_ended',
      'download_started',
      'request_ended',
    ])
    expect(scene.handler.downloads()).toEqual([])
  })
})

describe('sampling', () => {
  test('an unsampled request has metrics and no spans', async () => {
    const tracerProvider = new TracerProvider({ sampler: new AlwaysOffSampler() })
    const { provider, read } = createReader()
    await using scene = await openScene(optionsOf(holding(10)), { tracerProvider, meterProvider: provider })
    await scene.read()
    await scene.ended(({ type }) => type === 'download_ended')
    expect((await read())['sallyport.requests']).toEqual([{ outcome: 'completed', status: '200', value: 1 }])
  })
})
