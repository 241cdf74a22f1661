import * as api from '@opentelemetry/api'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { describe } from 'vitest'

import { type Behaviours, testOptions } from '../../../scripts/test-options.ts'
import { createObservedExportHandler } from '../src/telemetry.ts'
import type { TelemetryOptions } from '../src/telemetry.ts'
import { createReader } from './reader.ts'
import { holding, openScene, optionsOf } from './scene.ts'

/** Serves one download. */
async function download(telemetry: TelemetryOptions): Promise<void> {
  await using scene = await openScene(optionsOf(holding(10)), telemetry)
  await scene.read()
  await scene.ended(({ type }) => type === 'download_ended')
}

const tracing = (): { tracerProvider: TracerProvider; spans: InMemorySpanExporter } => {
  const spans = new InMemorySpanExporter()
  return {
    spans,
    tracerProvider: new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }),
  }
}

/** An attribute of the download's span. */
const attribute = (name: string) => async (changes: TelemetryOptions) => {
  const { spans, tracerProvider } = tracing()
  await download({ tracerProvider, ...changes })
  return spans.getFinishedSpans().find((span) => span.name === 'sallyport.download')?.attributes[name]
}

const behaviours: Behaviours<TelemetryOptions> = {
  api: {
    // Whether another copy of the API is asked for its providers.
    see: async (changes) => {
      const given = 'api' in changes
      let asked = false
      const getMeterProvider = (): api.MeterProvider => {
        asked = true
        return api.metrics.getMeterProvider()
      }
      await download(given ? { api: { ...api, metrics: { getMeterProvider } } } : {})
      return asked
    },
    before: false,
    after: [[{ api }, true]],
  },
  tracerProvider: {
    see: async (changes) => {
      const { spans, tracerProvider } = tracing()
      await download('tracerProvider' in changes ? { tracerProvider } : {})
      return spans.getFinishedSpans().length > 0
    },
    before: false,
    after: [[{ tracerProvider: tracing().tracerProvider }, true]],
  },
  meterProvider: {
    see: async (changes) => {
      const { provider, read } = createReader()
      await download('meterProvider' in changes ? { meterProvider: provider } : {})
      return 'sallyport.requests' in (await read())
    },
    before: false,
    after: [[{ meterProvider: createReader().provider }, true]],
  },
  loggerProvider: {
    see: async (changes) => {
      const exporter = new InMemoryLogRecordExporter()
      const loggerProvider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] })
      await download('loggerProvider' in changes ? { loggerProvider } : {})
      return exporter.getFinishedLogRecords().map(({ eventName }) => eventName)
    },
    before: [],
    after: [
      [{ loggerProvider: new LoggerProvider() }, ['sallyport.download_started', 'sallyport.download_ended']],
    ],
  },
  tenantAttribute: {
    see: attribute('sallyport.tenant.id'),
    before: undefined,
    after: [[{ tenantAttribute: true }, 'id of acme']],
  },
  exportAttribute: {
    see: attribute('sallyport.export.id'),
    before: undefined,
    after: [[{ exportAttribute: true }, '0f0e0d0c-0b0a-4908-8706-050403020100']],
  },
}

describe('createObservedExportHandler', () => {
  testOptions<TelemetryOptions>({
    name: 'createObservedExportHandler',
    create: (telemetry) => createObservedExportHandler(optionsOf(holding()), telemetry),
    sound: {},
    behaviours,
  })
})
