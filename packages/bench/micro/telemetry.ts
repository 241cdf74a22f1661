import { context, trace } from '@opentelemetry/api'
import type { TracerProvider } from '@opentelemetry/sdk-trace'
import { TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace'
import { createExportHandler, type ExportHandler } from '@sallyport/core'
import { createObservedExportHandler } from '@sallyport/telemetry'

import { startSdk, startTracerProvider } from '../servers/telemetry-sdk.ts'
import { answered, handlerOptions } from './handler.ts'
import type { Subject } from './measure.ts'
import type { MicroScene } from './scene.ts'

/** The same download, with and without telemetry. */
export function telemetrySubjects(scene: MicroScene): readonly Subject[] {
  const { tracerProvider, meterProvider } = startSdk()
  const sampled = startTracerProvider(new TraceIdRatioBasedSampler(0.1))
  const subject = (title: string, handler: ExportHandler): Subject => ({
    title: `telemetry: ${title}`,
    call: () => answered(handler, scene.request),
  })
  const observed = (telemetry: Parameters<typeof createObservedExportHandler>[1]): ExportHandler =>
    createObservedExportHandler(handlerOptions(scene), telemetry)
  return [
    subject('a 4 KiB download without it', createExportHandler(handlerOptions(scene))),
    subject('with it, no SDK', observed({})),
    subject('with it, an SDK of metrics', observed({ meterProvider })),
    subject('with it, an SDK of traces and metrics', observed({ tracerProvider, meterProvider })),
    subject('the same, 10 % of the requests sampled', observed({ tracerProvider: sampled, meterProvider })),
    { title: 'telemetry: 7 spans by hand', call: () => spansByHand(tracerProvider) },
  ]
}

/** What the SDK itself takes for as many spans as a download has, each active while a promise is awaited. */
async function spansByHand(provider: Pick<TracerProvider, 'getTracer'>): Promise<void> {
  const tracer = provider.getTracer('bench')
  const own = tracer.startSpan('request')
  const outer = trace.setSpan(context.active(), own)
  for (let nth = 0; nth < 6; nth++) {
    const span = tracer.startSpan('step', undefined, outer)
    await context.with(trace.setSpan(outer, span), () => Promise.resolve())
    span.end()
  }
  own.end()
}
