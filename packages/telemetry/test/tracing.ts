import { createRequire } from 'node:module'

import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import type { ReadableSpan, Sampler, SpanProcessor } from '@opentelemetry/sdk-trace'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

/** The spans that have ended. */
export interface Tracing {
  readonly spans: () => readonly ReadableSpan[]
  readonly reset: () => void
  readonly provider: TracerProvider
}

/** Registers a provider and the instrumentation of `node:http` in this process, as a service does before it starts. */
export function startTracing(sampler?: Sampler, more: readonly SpanProcessor[] = []): Tracing {
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({
    spanProcessors: [...more, new SimpleSpanProcessor({ exporter })],
    ...(sampler && { sampler }),
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(provider)
  const instrumentation = new HttpInstrumentation({ disableOutgoingRequestInstrumentation: true })
  instrumentation.setTracerProvider(provider)
  createRequire(import.meta.url)('http') // it patches the module when the module is required
  return { spans: () => exporter.getFinishedSpans(), reset: () => exporter.reset(), provider }
}

/**
 * The tree of spans as text, siblings in the order in which they ended: the name, the outcome or refusal, `#` and the attempt, and
 * `!` with the type of an error.
 */
export function treeOf(spans: readonly ReadableSpan[]): readonly string[] {
  const ids = new Set(spans.map((span) => span.spanContext().spanId))
  const childrenOf = (id: string | undefined): readonly ReadableSpan[] =>
    spans.filter(({ parentSpanContext: parent }) =>
      id === undefined ? !parent || !ids.has(parent.spanId) : parent?.spanId === id,
    )
  const lines = (span: ReadableSpan, depth: number): readonly string[] => [
    `${'  '.repeat(depth)}${lineOf(span)}`,
    ...childrenOf(span.spanContext().spanId).flatMap((child) => lines(child, depth + 1)),
  ]
  return childrenOf(undefined).flatMap((span) => lines(span, 0))
}

function lineOf({ name, attributes, status }: ReadableSpan): string {
  const shown = (attribute: string, before: string): string => {
    const value = attributes[attribute]
    return typeof value === 'string' || typeof value === 'number' ? `${before}${value}` : ''
  }
  return [
    `${name}${shown('sallyport.attempt', '#')}`,
    shown('http.response.status_code', ''),
    shown('sallyport.outcome', ''),
    shown('sallyport.refusal.kind', ''),
    shown('error.type', '!'),
    status.code === SpanStatusCode.ERROR ? 'ERROR' : '',
  ]
    .filter((part) => part !== '')
    .join(' ')
}
