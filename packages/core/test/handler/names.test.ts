import { describe, expect, test } from 'vitest'

import { codedErrors } from '../../src/error-formats/coded-errors.ts'
import { validationErrors } from '../../src/error-formats/validation-errors.ts'
import type { ExportEvent } from '../../src/events.ts'
import { createExportHandler } from '../../src/export-handler.ts'
import type { ExportHandlerOptions } from '../../src/options/options.ts'
import type { MultiTenancy, Tenant } from '../../src/ports.ts'
import { acme, content, ids, readyRecord, single, soundOptions } from './scene.ts'

const multi: MultiTenancy<Tenant> = { mode: 'multi', findTenant: async (name) => ({ ...acme, name }) }

interface Asked {
  readonly params?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
}

interface Seen {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly events: readonly ExportEvent[]
}

/** Ann asks for the ready export, with the parameters and header fields that are given. */
async function ask(
  changes: Partial<ExportHandlerOptions>,
  { params = { exportId: ids.ready }, headers = {} }: Asked = {},
): Promise<Seen> {
  const events: ExportEvent[] = []
  const handler = createExportHandler({
    ...soundOptions(),
    onEvent: (event) => void events.push(event),
    ...changes,
  })
  const fields: Readonly<Record<string, string>> = { authorization: 'Bearer ann', ...headers }
  const {
    status,
    headers: shown,
    body,
  } = await handler.handle({
    method: 'GET',
    params,
    header: (name) => fields[name],
    signal: new AbortController().signal,
  })
  const chunks: Uint8Array[] = []
  for await (const chunk of body ?? []) chunks.push(chunk)
  return { status, headers: shown, body: Buffer.concat(chunks).toString(), events }
}

const errors = validationErrors()

describe('a tenancy header of the host', () => {
  const options = { tenancy: { ...multi, header: 'X-Tenant' }, versions: { v1: { errors } } }

  test('names the organization, and the usual one does not', async () => {
    expect(await ask(options, { headers: { 'x-tenant': 'acme' } })).toMatchObject({
      status: 200,
      body: content,
      headers: { Vary: 'X-Tenant, X-API-Version' },
    })
    expect(await ask(options, { headers: { 'x-org-name': 'acme' } })).toMatchObject({
      status: 422,
      headers: { Vary: 'X-Tenant, X-API-Version' },
      body: '{"detail":[{"type":"missing","loc":["header","X-Tenant"],"msg":"Field required"}]}',
    })
  })

  test('counts in single tenancy too', async () => {
    const alone = { tenancy: { ...single, header: 'X-Tenant' } }
    const seen = await Promise.all(
      ['acme', 'globex'].map(async (name) => (await ask(alone, { headers: { 'x-tenant': name } })).status),
    )
    expect(seen).toEqual([200, 403])
  })
})

test('a request whose header() needs its object is served', async () => {
  class Request {
    readonly method = 'GET'
    readonly params = { exportId: ids.ready }
    readonly signal = new AbortController().signal
    readonly fields: Readonly<Record<string, string>> = { authorization: 'Bearer ann', 'x-org-name': 'acme' }
    header(name: string): string | undefined {
      return this.fields[name]
    }
  }
  const { status, body } = await createExportHandler(soundOptions()).handle(new Request())
  for await (const _ of body ?? []);
  expect(status).toBe(200)
})

describe('a tenancy parameter', () => {
  const options = { tenancy: { ...multi, parameter: 'org' }, versions: { v1: { errors } } }
  const params = { exportId: ids.ready, org: 'acme' }

  test('names the organization, and no header does', async () => {
    const headers = { 'x-org-name': 'globex' }
    expect(await ask(options, { params, headers })).toMatchObject({
      status: 200,
      headers: { Vary: 'X-API-Version' },
    })
  })

  test.each([
    ['globex', 403],
    ['a/b', 422],
  ])('%s is refused', async (org, status) => {
    expect((await ask(options, { params: { ...params, org } })).status).toBe(status)
  })

  test('is named in validation errors', async () => {
    expect((await ask(options)).body).toBe(
      '{"detail":[{"type":"missing","loc":["path","org"],"msg":"Field required"}]}',
    )
  })
})

describe('a version header of the host', () => {
  const versions = { v1: { errors }, v2: { errors: codedErrors() } }
  const options = { tenancy: single, versions, versionHeader: 'Api-Version' }

  test('names the version, and the answer has it under the same name', async () => {
    const { headers } = await ask(options, { headers: { 'api-version': 'v2', 'x-api-version': 'v1' } })
    expect(headers).toMatchObject({ Vary: 'X-Org-Name, Api-Version', 'Api-Version': 'v2' })
    expect(headers).not.toHaveProperty('X-API-Version')
  })

  test('is named in validation errors, and coded errors know its fault', async () => {
    const headers = { 'api-version': 'v3' }
    expect((await ask(options, { headers })).body).toContain('"loc":["header","Api-Version"]')
    const { body } = await ask({ ...options, defaultVersion: 'v2' }, { headers })
    expect(body).toContain('"reason":"unsupported_api_version"')
  })
})

describe('an id pattern', () => {
  const options = {
    tenancy: single,
    idPattern: /[A-Z]\u{200b}?-[0-9]+/u,
    versions: { v1: { errors } },
    findExport: async ({ exportId }: { readonly exportId: string }) => ({
      ...readyRecord,
      id: exportId === 'A-17' ? 'a-17' : exportId,
    }),
  }

  test('admits ids of the host, as they were sent', async () => {
    const { status, headers } = await ask(options, { params: { exportId: 'B-2' } })
    expect([status, headers['Content-Disposition']]).toEqual([200, 'attachment; filename="export-B-2.jsonl"'])
  })

  test('compares them exactly', async () => {
    const { status, events } = await ask(options, { params: { exportId: 'A-17' } })
    expect([status, events[0]]).toMatchObject([404, { type: 'trouble', code: 'record_mismatch' }])
  })

  test('refuses others by the pattern', async () => {
    expect((await ask(options, { params: { exportId: ids.ready } })).body).toContain(
      '"type":"string_pattern_mismatch","loc":["path","exportId"]',
    )
  })

  test('an id is fit for a log in events', async () => {
    const { events } = await ask(options, { params: { exportId: 'B\u200b-2' } })
    expect(events.at(-1)).toMatchObject({ exportId: String.raw`B\u{200b}-2` })
  })

  test('without one, a UUID is the same in upper case, in the request and in the record', async () => {
    const findExport = async () => ({ ...readyRecord, id: ids.ready.toUpperCase() })
    const params = { exportId: ids.ready.toUpperCase() }
    expect(await ask({ tenancy: single, findExport }, { params })).toMatchObject({
      status: 200,
      body: content,
    })
  })
})
