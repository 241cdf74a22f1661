import { createExportHandler, type ExportHandler } from '@sallyport/core'
import { createObservedExportHandler } from '@sallyport/telemetry'

import { startSdk } from '../servers/telemetry-sdk.ts'
import { answered, handlerOptions } from './handler.ts'
import type { Subject } from './measure.ts'
import type { MicroScene } from './scene.ts'

/** The same download, with and without telemetry. */
export function telemetrySubjects(scene: MicroScene): readonly Subject[] {
  const { tracerProvider, meterProvider } = startSdk()
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
  ]
}
