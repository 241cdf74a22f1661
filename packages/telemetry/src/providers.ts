import type { Tracer, TracerProvider } from '@opentelemetry/api'

import type { Logger, LoggerProvider, MeterProvider, OpenTelemetryApi } from './open-telemetry.ts'
import type { TelemetryOptions } from './options.ts'

/** The name of the instrumentation scope of all spans, metrics and log records. */
export const scope = '@sallyport/telemetry'

/** Finds what records now. Asked for each request, because a provider may be registered after the handler was created. */
export interface Providers {
  readonly tracer: () => Tracer
  /** `undefined`: no meter provider is registered. */
  readonly meterProvider: () => MeterProvider | undefined
  /** `undefined`: nothing keeps log records. */
  readonly logger: () => Logger | undefined
}

/** Creates the {@link Providers} of one handler: those in the options, or those that are registered. */
export function createProviders(api: OpenTelemetryApi, given: TelemetryOptions): Providers {
  const tracerOf = perProvider((provider: TracerProvider) => provider.getTracer(scope))
  const loggerOf = perProvider((provider: LoggerProvider) => provider.getLogger(scope))
  // As long as none is registered, the API returns a provider whose meters record nothing.
  const isRegistered = perProvider(
    (provider: MeterProvider) => provider.getMeter(scope) !== api.createNoopMeter(),
  )
  const registeredMeters = (): MeterProvider | undefined => {
    const provider = api.metrics.getMeterProvider()
    return isRegistered(provider) ? provider : undefined
  }
  return {
    tracer: () => tracerOf(given.tracerProvider ?? api.trace.getTracerProvider()),
    meterProvider: () => given.meterProvider ?? registeredMeters(),
    logger: () => {
      const provider = given.loggerProvider ?? api.logs?.getLoggerProvider()
      const logger = provider && loggerOf(provider)
      return logger?.enabled?.() === false ? undefined : logger
    },
  }
}

/** Calls `make` only if the provider is another one than at the last call. */
function perProvider<P, V>(make: (provider: P) => V): (provider: P) => V {
  let last: { readonly provider: P; readonly made: V } | undefined
  return (provider) => {
    if (last?.provider !== provider) last = { provider, made: make(provider) }
    return last.made
  }
}
