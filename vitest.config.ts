import { availableParallelism } from 'node:os'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

import { defineConfig } from 'vitest/config'

// Tests run from the sources. Never 'module' here: it breaks the AWS SDK's external files.
const conditions = ['@sallyport/source', 'node', 'development|production']
const packages = [
  'core',
  'storage',
  'express-adapter',
  'koa-adapter',
  'fastify-adapter',
  'fetch-adapter',
  'redis-limiter',
  'telemetry',
  'check',
  'bench',
]

/** Tests that take long and find little, for `pnpm test:long`. */
const skipped = process.env['LONG_TESTS'] === undefined ? ['**/*.long.test.ts'] : []

export default defineConfig({
  ssr: { resolve: { conditions } },
  test: {
    maxWorkers: availableParallelism() + 1, // most tests wait most of the time
    // A busy machine is no fault of the code: what must be fast is measured by the bench.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    globalSetup: [fileURLToPath(new URL('scripts/servers/global-setup.ts', import.meta.url))],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**'],
      thresholds: { lines: 90, functions: 90, branches: 90, statements: 90 },
    },
    projects: [...packages.map((name) => `packages/${name}`), 'docs'].map((root) => ({
      extends: true as const,
      test: { name: basename(root), root, include: ['test/**/*.test.ts'], exclude: skipped },
    })),
  },
})
