import type {
  Attributes,
  Context,
  Meter,
  MeterProvider,
  Span,
  SpanStatusCode,
  TracerProvider,
} from '@opentelemetry/api'
import * as check from '@sallyport/core/check-options'

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

/** What this package uses of `@opentelemetry/api`, 1.9 and later. Any copy of that package has this type. */
export interface OpenTelemetryApi {
  /** The context that is active. */
  readonly context: {
    active(): Context
    with<V>(context: Context, call: () => V): V
  }
  /** The registered tracer provider, and the spans of contexts. */
  readonly trace: {
    getTracerProvider(): TracerProvider
    setSpan(context: Context, span: Span): Context
  }
  /** The registered meter provider. */
  readonly metrics: { getMeterProvider(): MeterProvider }
  /** The registered logger provider. Absent before 1.10. */
  readonly logs?: { getLoggerProvider(): LoggerProvider }
  /** The meter that records nothing. */
  createNoopMeter(): Meter
  /** The codes of a span's status. */
  readonly SpanStatusCode: { readonly ERROR: SpanStatusCode.ERROR }
  /** The context without a span. */
  readonly ROOT_CONTEXT: Context
}

/** A logger provider of OpenTelemetry: of `@opentelemetry/api` 1.10, or of `@opentelemetry/api-logs`. */
export interface LoggerProvider {
  /** Returns the logger of an instrumentation scope. */
  getLogger(name: string): Logger
}

/** A logger of OpenTelemetry. */
export interface Logger {
  /** Emits a log record. */
  emit(record: LogRecord): void
  /** Whether a log record would be kept. Absent: it is not known. */
  enabled?(): boolean
}

/** The members of a log record that this package sets. */
export interface LogRecord {
  /** `sallyport.download_ended` and so on. */
  readonly eventName: string
  /** 9 (INFO), 13 (WARN) or 17 (ERROR). */
  readonly severityNumber: number
  /** The name of the severity. */
  readonly severityText: string
  /** The members of the event. */
  readonly attributes: Attributes
  /** The context of the request, for the ids of trace and span. */
  readonly context: Context
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

/** Whether a value is the namespace of `@opentelemetry/api`. */
export function isApi(value: unknown): value is OpenTelemetryApi {
  return (
    typeof value === 'object' &&
    value !== null &&
    hasMethods(Reflect.get(value, 'context'), 'active', 'with') &&
    hasMethods(Reflect.get(value, 'trace'), 'getTracerProvider', 'setSpan') &&
    hasMethods(Reflect.get(value, 'metrics'), 'getMeterProvider') &&
    hasMethods(value, 'createNoopMeter') &&
    typeof Reflect.get(value, 'SpanStatusCode') === 'object'
  )
}

const hasMethods = (value: unknown, ...names: readonly string[]): boolean =>
  typeof value === 'object' &&
  value !== null &&
  names.every((name) => typeof Reflect.get(value, name) === 'function')

/** Checks the options. Throws a `TypeError` that names each wrong option. */
export function checkTelemetryOptions(options: TelemetryOptions): void {
  check.checkOptions('createObservedExportHandler', options, telemetry)
}
