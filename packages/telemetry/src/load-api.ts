import { createRequire } from 'node:module'

import type { OpenTelemetryApi } from './open-telemetry.ts'
import { isApi } from './open-telemetry.ts'

/**
 * Loads `@opentelemetry/api`. `undefined`: it is not installed. Not a static import, because the package is an optional peer, and
 * not `import()`, because a handler is created synchronously.
 */
export function loadApi(): OpenTelemetryApi | undefined {
  try {
    const loaded: unknown = createRequire(import.meta.url)('@opentelemetry/api')
    return isApi(loaded) ? loaded : undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}
