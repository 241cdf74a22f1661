import { describe, expect, test } from 'vitest'

import type { ExportEvent } from '../../src/events.ts'
import { createExportHandler } from '../../src/export-handler.ts'
import type { ExportHandlerOptions } from '../../src/options/options.ts'
import type { ExportHandler } from '../../src/request-response.ts'
import { acme, ids, readyRecord, single, soundOptions } from './scene.ts'

interface Watched {
  readonly ask: (params?: Readonly<Record<string, string>>) => Promise<number>
  /** Code, message of the cause, and whether the request is named. */
  readonly troubles: () => readonly (readonly unknown[])[]
}

function watch(changes: Partial<ExportHandlerOptions>): Watched {
  const events: ExportEvent[] = []
  const handler: ExportHandler = createExportHandler({
    ...soundOptions(),
    tenancy: single,
    onEvent: (event) => void events.push(event),
    ...changes,
  })
  return {
    ask: async (params = { exportId: ids.ready }) => {
      const { status, body } = await handler.handle({
        method: 'GET',
        params,
        header: (name) => (name === 'authorization' ? 'Bearer ann' : undefined),
        signal: new AbortController().signal,
      })
      for await (const _ of body ?? []);
      return status
    },
    troubles: () =>
      events.flatMap((event) =>
        event.type === 'trouble'
          ? [[event.code, String(event.cause), event.id !== undefined && event.requestId !== undefined]]
          : [],
      ),
  }
}

const recording = (more: object): Partial<ExportHandlerOptions> => ({
  findExport: async () => ({ ...readyRecord, ...more }),
})

describe('a record with a member that the handler does not know', () => {
  test.each([
    [{ expires_at: new Date(0) }, "TypeError: a record has no member 'expires_at'; did you mean expiresAt?"],
    [{ expiresat: new Date(0) }, "TypeError: a record has no member 'expiresat'; did you mean expiresAt?"],
    [{ file_name: 'x' }, "TypeError: a record has no member 'file_name'; did you mean filename?"],
    [{ size: 62 }, "TypeError: a record has no member 'size'; did you mean object.size?"],
    [
      { object: { last_modified: new Date(0) } },
      "TypeError: a record has no member 'object.last_modified'; did you mean object.lastModified?",
    ],
    [
      { created: 1 },
      "TypeError: a record has no member 'created'; must be one of id, tenantId, key, format, state, expiresAt, filename, object",
    ],
  ])('%j is served, and reported once with the right name', async (more, cause) => {
    const { ask, troubles } = watch(recording(more))
    expect([await ask(), await ask()]).toEqual([200, 200])
    expect(troubles()).toEqual([['record_unknown_member', cause, true]])
  })

  test('is reported once for each name', async () => {
    const { ask, troubles } = watch(recording({ expires_at: null, file_name: null }))
    await ask()
    expect(troubles()).toHaveLength(2)
  })

  test('that is malformed is 502, and the unknown name is reported too', async () => {
    const { ask, troubles } = watch(recording({ key: undefined, objectKey: 'acme/ready' }))
    expect(await ask()).toBe(502)
    expect(troubles().map(([code]) => code)).toEqual(['record_unknown_member', 'record_malformed'])
  })

  test('keyed by data ends after some hundred names', async () => {
    const rows = Object.fromEntries(Array.from({ length: 2_000 }, (_, nth) => [`row ${nth}`, nth]))
    const { ask, troubles } = watch(recording(rows))
    await ask()
    expect(troubles()).toHaveLength(500)
  })
})

test('null stands for absence in a record', async () => {
  const object = { size: null, validator: null, lastModified: null, sha256: null, encoding: null }
  const { ask, troubles } = watch(recording({ expiresAt: null, filename: null, object }))
  expect([await ask(), troubles()]).toEqual([200, []])
})

test.each([null, undefined])(
  'a catalogue that answers %s has no such export or organization',
  async (none) => {
    expect(await watch({ findExport: async () => none }).ask()).toBe(404)
    const tenancy = { mode: 'multi', headerOptional: true, findTenant: async () => none } as const
    expect(await watch({ tenancy }).ask()).toBe(403)
  },
)

describe('a route without the parameter that the options name', () => {
  test('is reported once, with both names', async () => {
    const { ask, troubles } = watch({})
    expect([await ask({ id: ids.ready }), await ask({ id: ids.ready })]).toEqual([400, 400])
    expect(troubles()).toEqual([
      [
        'route_parameter_missing',
        "TypeError: idParameter must be a parameter of the route (id); got 'exportId'",
        true,
      ],
    ])
  })

  test('of the organization is reported too', async () => {
    const tenancy = { ...single, parameter: 'org' }
    const { ask, troubles } = watch({ tenancy })
    await ask({ exportId: ids.ready, organization: acme.name })
    expect(troubles()).toEqual([
      [
        'route_parameter_missing',
        "TypeError: tenancy.parameter must be a parameter of the route (exportId, organization); got 'org'",
        true,
      ],
    ])
  })

  test('is not reported where the adapter found no parameters at all, as of a path that cannot be decoded', async () => {
    const { ask, troubles } = watch({})
    expect([await ask({}), troubles()]).toEqual([400, []])
  })
})
