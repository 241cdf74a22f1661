import type { TracerProvider } from '@opentelemetry/api'
import * as check from '@sallyport/core/check-options'

import type { LoggerProvider, MeterProvider, OpenTelemetryApi } from './open-telemetry.ts'
import { isApi } from './open-telemetry.ts'

/** Options of `createObservedExportHandler`. */
export interface TelemetryOptions {
  /**
   * The namespace of `@opentelemetry/api`: `import * as api from '@opentelemetry/api'`. Give it if the service is bundled, or if
   * `npm ls @opentelemetry/api` shows several versions: then this is the one that your SDK uses.
   * @defaultValue the package as Node resolves it; if it is not installed, nothing is recorded
   */
  readonly api?: OpenTelemetryApi
  /**
   * Makes the spans.
   * @defaultValue the registered provider, also if it is registered after the handler was created
   */
  readonly tracerProvider?: TracerProvider
  /**
   * Makes the metrics.
   * @defaultValue the registered provider, also if it is registered after the handler was created
   */
  readonly meterProvider?: MeterProvider
  /**
   * Makes the log records.
   * @defaultValue the registered provider; `@opentelemetry/api` before 1.10 has none, then there are no log records
   */
  readonly loggerProvider?: LoggerProvider
  /**
   * `true`: spans have `sallyport.tenant.id`. Metrics never have it.
   * @defaultValue false
   */
  readonly tenantAttribute?: boolean
  /**
   * `true`: spans have `sallyport.export.id`. Metrics never have it.
   * @defaultValue false
   */
  readonly exportAttribute?: boolean
}

const telemetry = check.object<TelemetryOptions>(
  '{ api?, tracerProvider?, meterProvider?, loggerProvider?, tenantAttribute?, exportAttribute? }',
  {
    api: check
      .accept<OpenTelemetryApi>("the namespace of '@opentelemetry/api', 1.9 or later", isApi)
      .optional(),
    tracerProvider: check
      .withMethods<TracerProvider>('a tracer provider with getTracer()', 'getTracer')
      .optional(),
    meterProvider: check
      .withMethods<MeterProvider>('a meter provider with getMeter()', 'getMeter')
      .optional(),
    loggerProvider: check
      .withMethods<LoggerProvider>('a logger provider with getLogger()', 'getLogger')
      .optional(),
    tenantAttribute: check.flag.optional(),
    exportAttribute: check.flag.optional(),
  },
)

/** Checks the options. Throws a `TypeError` that names each wrong option. */
export function checkTelemetryOptions(options: TelemetryOptions): void {
  check.checkOptions('createObservedExportHandler', options, telemetry)
}
