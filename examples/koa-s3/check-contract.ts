import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Check, Service } from '@sallyport/example-shared/check-service'

interface Document {
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly get: {
          readonly responses: Readonly<
            Record<
              string,
              {
                readonly content: Readonly<
                  Record<string, { readonly examples: Readonly<Record<string, { readonly value: unknown }>> }>
                >
              }
            >
          >
        }
      }
    >
  >
}

/** The description and the bodies that were published for this endpoint. */
export const contract: Check<Service> = {
  title: 'the bodies of the published contract are examples in /openapi.json',
  run: async ({ origin }) => {
    const text = await readFile(join(import.meta.dirname, 'published-contract.json'), 'utf8')
    const published = Object.entries(JSON.parse(text) as Record<string, object>)
    const { paths } = (await (await fetch(`${origin}/openapi.json`)).json()) as Document
    const responses = paths['/user-action-audit-exports/{export_id}/download']?.get.responses ?? {}
    assert.equal(published.length, 7)
    for (const [status, body] of published) {
      const examples = Object.values(responses[status]?.content['application/json']?.examples ?? {})
      const shown = examples.map(({ value }) => JSON.stringify(sorted(value)))
      assert(shown.includes(JSON.stringify(sorted(body))), `${status}: ${shown.join('\n')}`)
    }
  },
}

/** A copy whose members are in the order of their names. */
const sorted = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .toSorted(([a], [b]) => a.localeCompare(b))
          .map(([name, member]) => [name, sorted(member)]),
      )
    : value
