export { createObservedExportHandler } from './observed-handler.ts'
export type { LogRecord, Logger, LoggerProvider, OpenTelemetryApi, TelemetryOptions } from './options.ts'
