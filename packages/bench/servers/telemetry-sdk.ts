import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import type { Sampler, SpanExporter } from '@opentelemetry/sdk-trace'
import { BatchSpanProcessor, InMemorySpanExporter, TracerProvider } from '@opentelemetry/sdk-trace'
import type { TelemetryOptions } from '@sallyport/telemetry'

const memory = new InMemorySpanExporter()
/** Drops its spans, so that the SDK is measured and no collector. */
const nowhere: SpanExporter = {
  export: (spans, done) => {
    memory.export(spans, done)
    memory.reset()
  },
  shutdown: () => memory.shutdown(),
}

/** @param sampler - absent: every request is sampled */
export const startTracerProvider = (sampler?: Sampler): TracerProvider =>
  new TracerProvider({
    spanProcessors: [new BatchSpanProcessor({ exporter: nowhere })],
    ...(sampler && { sampler }),
  })

/** An SDK of traces and metrics, as a service has it: every request is sampled, spans are exported in batches. */
export function startSdk(): Required<Pick<TelemetryOptions, 'tracerProvider' | 'meterProvider'>> {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  return {
    tracerProvider: startTracerProvider(),
    meterProvider: new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] }),
  }
}
