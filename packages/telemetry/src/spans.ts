import type { Attributes, Context, Span, SpanOptions, Tracer } from '@opentelemetry/api'
import { refusalKindOf } from '@sallyport/core'

import { isServerFault } from './error-type.ts'
import type { OpenTelemetryApi } from './open-telemetry.ts'
import { quietly } from './quietly.ts'

/** The spans of one request. */
export interface RequestSpans {
  /** The context of the request's own span. */
  readonly context: Context
  /** Calls a port inside a child span. Outgoing requests of the port become children of that span. */
  readonly port: <V>(name: PortSpan, call: () => Promise<V>, attributes?: Attributes) => Promise<V>
  /** Exports a span from the request to now, so that a process that crashes in a long download has left something. */
  readonly head: (attributes: Attributes) => void
  /** Ends the request's own span. */
  readonly end: (attributes: Attributes, errorType: string | undefined) => void
}

/** The names of the child spans. */
export type PortSpan =
  | 'verify'
  | 'is_revoked'
  | 'find_tenant'
  | 'is_member'
  | 'admit'
  | 'find_export'
  | 'store.head'
  | 'store.get'
  | 'audit'

/**
 * Starts the spans of a request as children of the active span. `undefined`: the request is not recorded, because no provider is
 * registered or the sampler has dropped it.
 */
export function startSpans(
  api: OpenTelemetryApi,
  tracer: () => Tracer,
  name: string,
): RequestSpans | undefined {
  const outer = api.context.active()
  const own = tracer()
  const span = own.startSpan(name, undefined, outer)
  if (!span.isRecording()) return undefined
  const startTime = Date.now()
  const context = api.trace.setSpan(outer, span)

  const startChild = (child: string, options?: SpanOptions): Span | undefined =>
    quietly(() => own.startSpan(child, options, context))
  const port = async <V>(child: PortSpan, call: () => Promise<V>, attributes?: Attributes): Promise<V> => {
    const started = startChild(child, attributes && { attributes })
    if (!started) return call()
    try {
      const value = await api.context.with(api.trace.setSpan(context, started), call)
      quietly(() => started.end())
      return value
    } catch (error) {
      quietly(() => endFailed(started, error))
      throw error
    }
  }
  return {
    context,
    port,
    head: (attributes) =>
      quietly(() => own.startSpan('sallyport.download.head', { attributes, startTime }, context).end()),
    end: (attributes, errorType) =>
      quietly(() => {
        span.setAttributes(attributes)
        if (errorType !== undefined) fail(span, errorType)
        span.end()
      }),
  }

  /** A refusal for a fault of the caller is an answer, not an error. No message is recorded: it may name keys, paths and hosts. */
  function endFailed(span: Span, error: unknown): void {
    const kind = refusalKindOf(error)
    if (kind) span.setAttribute('sallyport.refusal.kind', kind)
    if (!kind || isServerFault(kind)) fail(span, kind ?? otherError)
    span.end()
  }
  function fail(span: Span, errorType: string): void {
    span.setAttribute('error.type', errorType)
    span.setStatus({ code: api.SpanStatusCode.ERROR })
  }
}

/** The value that the conventions give an error that belongs to no known kind. */
const otherError = '_OTHER'
