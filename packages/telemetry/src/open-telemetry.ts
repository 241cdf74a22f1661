import type { Attributes, Context, Span, SpanStatusCode, TracerProvider } from '@opentelemetry/api'

// Types of what this package uses of OpenTelemetry. Those of `@opentelemetry/api` 1.9 and 1.10 are not assignable to each other.

/** What this package uses of `@opentelemetry/api`, 1.9 and later. Any copy of that package has this type. */
export interface OpenTelemetryApi {
  /** The context that is active. */
  readonly context: {
    /** Returns the active context. */
    active(): Context
    /** Calls a function in a context. */
    with<V>(context: Context, call: () => V): V
  }
  /** The registered tracer provider, and the spans of contexts. */
  readonly trace: {
    /** Returns the registered tracer provider. */
    getTracerProvider(): TracerProvider
    /** Returns the context with a span in it. */
    setSpan(context: Context, span: Span): Context
  }
  /** The registered meter provider. */
  readonly metrics: {
    /** Returns it. */
    getMeterProvider(): MeterProvider
  }
  /** The registered logger provider. Absent before 1.10. */
  readonly logs?: {
    /** Returns it. */
    getLoggerProvider(): LoggerProvider
  }
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

/** A meter provider of OpenTelemetry, of any copy of `@opentelemetry/api`. */
export interface MeterProvider {
  /** Returns the meter of an instrumentation scope. */
  getMeter(name: string): Meter
}

/** A meter of OpenTelemetry: the part that this package uses. */
export interface Meter {
  /** Creates a histogram. */
  createHistogram(name: string, options: InstrumentOptions): Histogram
  /** Creates a counter that is read at each collection. */
  createObservableCounter(name: string, options: InstrumentOptions): ObservableCounter
  /** Creates a counter that can go down and is read at each collection. */
  createObservableUpDownCounter(name: string, options: InstrumentOptions): ObservableCounter
}

/** The options of an instrument. */
export interface InstrumentOptions {
  readonly description: string
  readonly unit: string
  readonly advice?: { explicitBucketBoundaries: number[] }
}

/** The labels of a metric. */
export type Labels = Readonly<Record<string, string>>

/** A histogram. */
export interface Histogram {
  /** Records a value. */
  record(value: number, labels: Labels): void
}

/** A counter that is read at each collection. */
export interface ObservableCounter {
  /** Calls the function at each collection. */
  addCallback(observe: (result: ObservableResult) => void): void
}

/** Receives what an {@link ObservableCounter} counts. */
export interface ObservableResult {
  /** Reports the present value of a set of labels. */
  observe(value: number, labels: Labels): void
}

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
