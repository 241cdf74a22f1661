import { writeSync } from 'node:fs'

import type { SpanExporter } from '@opentelemetry/sdk-trace'
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

import { holding, openScene, optionsOf } from './scene.ts'

// A service that prints its spans and is killed while it sends a download. Started by crash.test.ts.

const exporter: SpanExporter = {
  export: (spans) => void writeSync(1, spans.map(({ name }) => `${name}\n`).join('')),
  shutdown: () => Promise.resolve(),
}
const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
const scene = await openScene(optionsOf(holding(20_000_000)), { tracerProvider })
const response = await scene.ask()
response.once('data', () => process.kill(process.pid, 'SIGKILL'))
