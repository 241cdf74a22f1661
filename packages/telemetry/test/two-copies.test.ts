import { SpanStatusCode } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { SimpleLogRecordProcessor, InMemoryLogRecordExporter, LoggerProvider } from '@opentelemetry/sdk-logs'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import * as older from 'opentelemetry-api-1.9'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import type { TelemetryOptions } from '../src/telemetry.ts'
import { createReader } from './reader.ts'
import { exportId, holding, openScene, optionsOf } from './scene.ts'
import { treeOf } from './tracing.ts'

// The service has registered its SDK with API 1.9. This package finds API 1.10, which ignores what an older one has registered.

/** API 1.9. Its enum has the same values, but the linter compares declarations. */
const api = { ...older, SpanStatusCode }
const exporter = new InMemorySpanExporter()
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
older.trace.setGlobalTracerProvider(provider)
older.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
beforeEach(() => exporter.reset())

/** Serves a download inside a span of the service. */
async function download(telemetry?: TelemetryOptions): Promise<readonly string[]> {
  await using scene = await openScene(optionsOf(holding(10)), telemetry)
  const request = {
    method: 'GET',
    params: { exportId: exportId },
    header: (name: string) => ({ authorization: 'Bearer ann', 'x-org-name': 'acme' })[name],
    signal: new AbortController().signal,
  }
  const span = older.trace.getTracer('service').startSpan('service')
  await older.context.with(older.trace.setSpan(older.context.active(), span), async () => {
    const { body } = await scene.handler.handle(request)
    for await (const _ of body ?? []);
  })
  span.end()
  return treeOf(exporter.getFinishedSpans())
}

const whole = [
  'service',
  '  sallyport.download 200 completed',
  '    verify',
  '    find_tenant',
  '    admit',
  '    find_export',
  '    store.get#1',
  '    audit',
  '    sallyport.download.head 200',
]

describe('two copies of @opentelemetry/api', () => {
  afterEach(() => older.metrics.disable())

  test('without api nothing is recorded, and the download is served', async () => {
    expect(await download()).toEqual(['service'])
  })

  test('with api 1.9 everything is recorded, below the span of the service', async () => {
    const { provider: meterProvider, read } = createReader()
    older.metrics.setGlobalMeterProvider(meterProvider)
    expect(await download({ api })).toEqual(whole)
    expect((await read())['sallyport.requests']).toEqual([{ outcome: 'completed', status: '200', value: 1 }])
  })

  test('a tracer provider alone records, but does not see the span of the service', async () => {
    const tree = await download({ tracerProvider: provider })
    expect(tree.toSorted()).toEqual([...whole.slice(1).map((line) => line.slice(2)), 'service'].toSorted())
  })

  test('api 1.9 has no logs: a provider that is passed records them', async () => {
    const logs = new InMemoryLogRecordExporter()
    const loggerProvider = new LoggerProvider({
      processors: [new SimpleLogRecordProcessor({ exporter: logs })],
    })
    expect('logs' in older).toBe(false)
    await download({ api, loggerProvider })
    expect(
      logs.getFinishedLogRecords().map(({ eventName, severityText }) => [eventName, severityText]),
    ).toEqual([
      ['sallyport.download_started', 'INFO'],
      ['sallyport.download_ended', 'INFO'],
    ])
  })
})
