import { codedErrors } from '../../src/error-formats/coded-errors.ts'
import { problemDetails } from '../../src/error-formats/problem-details.ts'
import { validationErrors } from '../../src/error-formats/validation-errors.ts'
import type { ExportHandlerOptions } from '../../src/options/options.ts'
import { createTickets } from '../../src/verifiers/tickets.ts'

export const info = { title: 'Exports', version: '1.0.0' }
export const path = '/exports/{exportId}/download'

/** Handlers that differ in what they can answer. */
export const handlers = {
  everything: {
    versions: {
      v1: { errors: validationErrors(), mediaTypes: { jsonl: 'application/json' } },
      v2: {
        errors: problemDetails(),
        deprecated: new Date('2026-01-01'),
        sunset: new Date('2030-01-01'),
        links: { deprecation: 'https://exports.test/v2' },
      },
    },
    tickets: createTickets({
      keys: [{ id: 'a', secret: Uint8Array.from({ length: 32 }, (_, index) => index) }],
    }),
    limits: { legacyFields: true },
    delivery: { multipleRanges: true },
  },
  codes: { versions: { v1: { errors: codedErrors({ revealState: true }) } } },
} satisfies Readonly<Record<string, Partial<ExportHandlerOptions>>>
