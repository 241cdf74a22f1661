export { createObservedExportHandler } from './observed-handler.ts'
export type {
  Histogram,
  InstrumentOptions,
  Labels,
  Logger,
  LoggerProvider,
  LogRecord,
  Meter,
  MeterProvider,
  ObservableCounter,
  ObservableResult,
  OpenTelemetryApi,
} from './open-telemetry.ts'
export type { TelemetryOptions } from './options.ts'
